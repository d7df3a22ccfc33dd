"""A type checker sees what `bsg_producer` has, and only that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bsg_producer

ROOT = Path(__file__).parents[2]
PROGRAM = """
from bsg_producer import AsyncProducer, Batch, CampaignStatus, CampaignSummary, Priority, Producer, Transition
from bsg_producer import Nonsense  # wrong

async def of_asyncio(producer: AsyncProducer, messages: list[dict[str, str]], priority: Priority) -> CampaignStatus:
    await producer.enqueue(messages, priority=priority)
    await producer.enqueue(messages, priority="urgent")  # wrong
    return await producer.status("ID")

def of_threads(producer: Producer, messages: list[dict[str, str]]) -> list[Transition]:
    producer.enqueue(messages, priority="high")
    producer.enqueue(messages, priority="urgent")  # wrong
    summaries: list[CampaignSummary] = list(producer.campaigns())
    batches: list[Batch] = list(producer.status("ID").batches)
    return list(producer.events())
"""


def test_a_type_checker_finds_each_wrong_line_of_an_app_and_no_other(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(PROGRAM)

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--no-pretty", str(app)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    reported = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error: " in line}
    wrong = {number for number, line in enumerate(PROGRAM.splitlines(), 1) if "# wrong" in line}
    assert reported == wrong, done.stdout + done.stderr


def test_every_name_that_is_exported_can_be_imported() -> None:
    assert [name for name in bsg_producer.__all__ if not hasattr(bsg_producer, name)] == []
