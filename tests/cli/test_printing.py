"""What is printed, for people and for programs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from bsg_cli.printing import number, print_json, print_table
from bsg_ledger.states import CampaignState

SHOW_PROGRESS = "from bsg_cli.printing import Progress; p = Progress(); p.show('half way'); p.clear()"


@dataclass(frozen=True, slots=True)
class Thing:
    state: CampaignState
    when: datetime
    counts: dict[str, int]
    names: tuple[str, ...]


def test_json_is_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([Thing(CampaignState.DONE, datetime(2026, 12, 1, 9, tzinfo=UTC), {"accepted": 1}, ("Zoë\n",))])
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert json.loads(printed) == [
        {"state": "done", "when": "2026-12-01T09:00:00+00:00", "counts": {"accepted": 1}, "names": ["Zoë\n"]}
    ]


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [("long", "1"), ("x", "2")])
    assert capsys.readouterr().out == "a     b\nlong  1\nx     2\n"


def test_a_table_without_rows_is_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [])
    assert capsys.readouterr().out == "a  b\n"


def test_thousands_stand_apart() -> None:
    assert [number(value) for value in (0, 999, 1000, 25_000_000)] == ["0", "999", "1 000", "25 000 000"]


def test_progress_is_quiet_when_piped() -> None:
    piped = subprocess.run([sys.executable, "-c", SHOW_PROGRESS], capture_output=True, check=True)
    assert piped.stderr == b""


def test_progress_on_a_terminal_is_one_line_that_goes_away() -> None:
    ours, terminal = pty.openpty()
    subprocess.run([sys.executable, "-c", SHOW_PROGRESS], stderr=terminal, check=True)
    shown = os.read(ours, 1000)
    os.close(terminal)
    os.close(ours)
    assert shown == b"\rhalf way\r        \r"
