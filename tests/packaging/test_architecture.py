"""The states of docs/architecture.md are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from bsg_ledger.states import BatchState, CampaignState, ChunkState

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SCRIPTS = ROOT / "ledger" / "bsg_ledger" / "lua"


def section(heading: str) -> str:
    return DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_every_state_of_a_chunk_is_in_its_table_and_no_other() -> None:
    cells = (row.split("|")[1:3] for row in section("A chunk's states").splitlines()[3:] if row.startswith("|"))
    assert set(re.findall(r"`(\w+)`", str(list(cells)))) == set(ChunkState)


def test_every_state_of_a_batch_is_in_its_picture_and_no_other() -> None:
    drawn = re.findall(r"^    (\S+) --> ([^\s:]+)", section("A batch's states"), re.MULTILINE)
    assert {state for pair in drawn for state in pair} - {"[*]"} == set(BatchState)
    assert len(drawn) == len(set(drawn))


def test_every_state_of_a_campaign_is_in_its_table() -> None:
    rows = section("A campaign's state")
    assert set(re.findall(r"\| `(\w+)` \|$", rows, re.MULTILINE)) == set(CampaignState)


def test_every_move_that_a_script_announces_is_in_the_picture_of_a_batch() -> None:
    drawn = set(re.findall(r"^    (\w+) --> (\w+)", section("A batch's states"), re.MULTILINE))
    states = "|".join(BatchState)
    announced = {
        (source, target)
        for script in SCRIPTS.rglob("*.lua")
        for line in script.read_text(encoding="utf-8").splitlines()
        if "-- Transition" in line and "chunks" not in line and "any state" not in line
        for sources, targets in re.findall(rf"((?:(?:{states})(?:, )?)+) -> ((?:(?:{states})(?: \| )?)+)", line)
        for source in re.findall(states, sources)
        for target in re.findall(states, targets)
    }
    assert ("posting", "unconfirmed") in announced
    assert len(announced) > 8
    assert announced - drawn == set()
