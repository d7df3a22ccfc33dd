"""`demo`: a campaign from a file to the sandbox, held against what arrived there."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from bsg_cli.demo_summary import faults_of, total_cost
from bsg_cli.errors import ExitCode
from bsg_ledger.batch_id import BatchId
from bsg_ledger.records import Batch
from bsg_ledger.states import BatchState
from bsg_sandbox.record import Summary
from tests.cli.running import processes_in, run, start
from tests.processes import wait_until

CONTACTS = "phone,name\n" + "".join(f"38066{number:07d},N{number}\n" for number in range(300)) + "12,Bad\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "contacts.csv").write_text(CONTACTS)
    return tmp_path


def batch(cost: str | None) -> Batch:
    return Batch(BatchId("c-0"), BatchState.FINISHED, 1, 1, "done", 1, None, {}, cost)


def test_a_demo_sends_each_message_once_and_leaves_nothing_running(directory: Path) -> None:
    # Somebody's real Redis and account, which a demo must not touch.
    settings = {"REDIS_URL": "redis://127.0.0.1:1/0", "BSG_API_KEY": "live_real", "FLOWER_PORT": "1"}
    demo = run(["demo", "--file", "contacts.csv", "--text", "Hi {{ name }}", "--json"], directory, settings)
    assert demo.returncode == ExitCode.OK, demo.stdout + demo.stderr
    summary = json.loads(demo.stdout)
    assert summary["faults"] == []
    assert summary["status"]["counts"]["finished"] == summary["arrived"]["messages"] == 300
    assert summary["rejected_by_reason"] == {"invalid_phone": 1}
    assert summary["cost"]["EUR"]
    assert "Flower: http://127.0.0.1:" in demo.stderr
    assert not processes_in(directory)


@pytest.mark.parametrize(
    ("number", "moment"), [(signal.SIGINT, "server.log"), (signal.SIGTERM, "worker | "), (signal.SIGKILL, "status | ")]
)
def test_ctrl_c_and_worse_at_any_moment_leave_nothing(directory: Path, number: signal.Signals, moment: str) -> None:
    data = directory / ".bsg-campaigns" / "demo"
    demo = start(
        ["demo", "--file", "contacts.csv", "--text", "Hi {{ name }}", "--keep"], directory, {}, directory / "demo.log"
    )

    def reached() -> bool:
        log = data / "processes.log"
        return (data / moment).exists() or (log.exists() and moment in log.read_text())

    wait_until(reached, what=f"{moment} is there")
    demo.send_signal(number)
    demo.wait(60)
    wait_until(
        lambda: not processes_in(directory), what="nothing is left", within=100 if number == signal.SIGKILL else 0.5
    )


def test_without_a_file_the_remedy_is_reported(directory: Path) -> None:
    demo = run(["demo", "--file", "missing.csv"], directory, {})
    assert demo.returncode == ExitCode.MISUSE
    assert "missing.csv" in demo.stderr


def test_a_file_without_the_columns_of_the_text_is_reported_before_anything_starts(directory: Path) -> None:
    demo = run(["demo", "--file", "contacts.csv"], directory, {})
    assert demo.returncode == ExitCode.MISUSE
    assert "no column day, city" in demo.stderr
    assert not (directory / ".bsg-campaigns").exists()


def test_a_text_with_a_field_that_no_column_has_is_reported_before_anything_starts(directory: Path) -> None:
    demo = run(["demo", "--file", "contacts.csv", "--text", "Hi {{ nmae }}"], directory, {})
    assert demo.returncode == ExitCode.MISUSE
    assert "contacts.csv, line 1: no column is named `nmae`, which the text uses" in demo.stderr
    assert not (directory / ".bsg-campaigns").exists()


def test_counts_that_add_up_are_no_fault() -> None:
    arrived = Summary(messages=3, distinct_references=3)
    assert faults_of("done", {"accepted": 4, "rejected": 1, "finished": 3}, 1, arrived) == []


@pytest.mark.parametrize(
    ("state", "counts", "rejects", "arrived", "message"),
    [
        ("failed", {"accepted": 1, "finished": 1}, 0, Summary(messages=1, distinct_references=1), "is failed"),
        ("done", {"accepted": 2, "finished": 1}, 0, Summary(messages=1, distinct_references=1), "in all states"),
        ("done", {"accepted": 1, "rejected": 1}, 0, Summary(), "0 rejects are listed"),
        ("done", {"accepted": 1, "refused": 1}, 0, Summary(), "0 finished"),
        ("done", {"accepted": 1, "finished": 1}, 0, Summary(), "0 arrived"),
        (
            "done",
            {"accepted": 1, "finished": 1},
            0,
            Summary(messages=2, distinct_references=1, repeated_references=1),
            "1 came again",
        ),
    ],
)
def test_what_does_not_add_up_is_reported(
    state: str, counts: dict[str, int], rejects: int, arrived: Summary, message: str
) -> None:
    assert any(message in fault for fault in faults_of(state, counts, rejects, arrived))


def test_costs_are_added_by_currency_and_exactly() -> None:
    batches = [batch("0.10 EUR"), batch("0.20 EUR"), batch("5 UAH"), batch(None), batch("soon")]
    assert total_cost(batches) == {"EUR": "0.30", "UAH": "5"}
