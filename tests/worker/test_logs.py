"""What workers log: one line for each decision, as JSON for programs, and nothing of a message."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bsg_broker.liveness import LivenessPings
from bsg_sandbox.server import Sandbox
from bsg_worker.idle_passes import log_idle_passes_at_debug
from bsg_worker.logs import JSONLines, decided, use_format
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment
from tests.servers import RedisServer


@pytest.fixture
def handler() -> Iterator[logging.StreamHandler[io.StringIO]]:
    """A handler such as Celery sets up."""
    handler = logging.StreamHandler(io.StringIO())
    root = logging.getLogger()
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def test_a_decision_has_its_subject_and_its_outcome(handler: logging.StreamHandler[io.StringIO]) -> None:
    handler.setFormatter(JSONLines())
    logger = logging.getLogger("bsg_worker.submit.record_post")
    logger.setLevel(logging.INFO)

    decided(logger, "submitted: taken", seconds=0.1234, campaign="C", batch="C-0", attempt=1)

    line = json.loads(handler.stream.getvalue())
    assert line["message"] == "campaign C, batch C-0, attempt 1: submitted: taken (0.12 s)"
    assert (line["level"], line["logger"]) == ("INFO", "bsg_worker.submit.record_post")
    assert (line["campaign"], line["batch"], line["attempt"]) == ("C", "C-0", 1)
    assert (line["outcome"], line["seconds"]) == ("submitted: taken", 0.123)


def test_an_exception_stays_on_its_line(handler: logging.StreamHandler[io.StringIO]) -> None:
    handler.setFormatter(JSONLines())
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("any").exception("it failed")

    (line,) = handler.stream.getvalue().splitlines()
    assert "ValueError: two\nlines" in json.loads(line)["exception"]


@pytest.mark.parametrize(("name", "expected"), [("json", True), ("auto", True), ("text", False)])
def test_it_is_json_where_no_person_reads_along(
    handler: logging.StreamHandler[io.StringIO], name: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    use_format(name)

    assert isinstance(handler.formatter, JSONLines) is expected


def test_on_a_terminal_it_stays_text(
    handler: logging.StreamHandler[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, terminal = os.openpty()
    with os.fdopen(terminal, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)

        use_format("auto")

    assert not isinstance(handler.formatter, JSONLines)


def test_a_pass_is_logged_when_it_did_something_and_not_otherwise(tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path / "redis") as server,
        Sandbox() as sandbox,
        ScenarioEnvironment(tmp_path / "scenario", server.url, sandbox) as scenario,
    ):
        scenario.processes.all()
        liveness = LivenessPings(server.client())
        wait_until(lambda: liveness.heartbeats.since_last_tick() is not None, within=30, what="beat's first tick")
        scenario.wait_for(scenario.send(1), "done")
        # A task is logged behind what it has done.
        wait_until(lambda: "read 1 batches" in scenario.processes.logs(), within=10, what="the poll in the log")
        passes = [
            line["message"]
            for log in scenario.processes.directory.glob("*.log")
            for line in lines(log)
            if any(f"bsg.{name}" in line["message"] for name in ("poll", "reconcile", "sweep", "purge"))
        ]

    assert [message for message in passes if "succeeded" not in message] == []
    assert [message for message in passes if message.endswith(": ''")] == []


def test_a_pass_that_did_nothing_is_there_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    log_idle_passes_at_debug()
    trace = logging.getLogger("celery.app.trace")
    for level, levels in ((logging.INFO, []), (logging.DEBUG, ["DEBUG"])):
        with caplog.at_level(level, "celery.app.trace"):
            trace.info("%(name)s: %(return_value)s", {"name": "bsg.sweep", "return_value": "''"})
        assert [record.levelname for record in caplog.records] == levels


def test_workers_log_each_decision_once_and_nothing_of_a_message(tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path / "redis") as server,
        Sandbox() as sandbox,
        ScenarioEnvironment(tmp_path / "scenario", server.url, sandbox, CAMPAIGN_BATCH_SIZE="10") as scenario,
    ):
        scenario.processes.all()
        campaign = scenario.send(25, name="Autumn sale")
        scenario.wait_for(campaign, "done")
        logs = list(scenario.processes.directory.glob("*.log"))
        logged = [line for log in logs for line in lines(log)]

    submitted = [line for line in logged if line["logger"] == "bsg_worker.submit.record_post"]
    assert sorted((line["batch"], line["attempt"]) for line in submitted) == [
        (f"{campaign}-{number}", 1) for number in range(3)
    ]
    assert sorted(line["messages"] for line in submitted) == [5, 10, 10]
    assert {line["outcome"] for line in submitted} == {"submitted: taken"}
    assert len([line for line in logged if line["logger"] == "bsg_worker.prepare.prepare"]) == 3
    whole = "".join(log.read_text() for log in logs)
    assert "38066" not in whole
    assert "Your code is" not in whole
    assert "Autumn sale" not in whole
