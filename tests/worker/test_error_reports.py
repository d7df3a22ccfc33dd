"""What a worker and beat send to Sentry: failures with their subject, check-ins, and nothing of a message."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import ItemsView, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bsg_sandbox.accounts import Account
from bsg_sandbox.server import Sandbox
from bsg_worker.error_reports import BEAT_MONITOR
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment
from tests.security.secrets import KEY, TEMPLATE, messages, secrets_in
from tests.sentry_server import SentryServer
from tests.servers import RedisServer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sentry() -> Iterator[SentryServer]:
    with SentryServer() as server:
        yield server


@pytest.fixture(scope="module")
def scenario(sentry: SentryServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScenarioEnvironment]:
    """A worker with failures that nobody foresaw, and beat."""
    directory = tmp_path_factory.mktemp("sentry")
    settings = {"BSG_API_KEY": KEY, "SENTRY_DSN": sentry.dsn, "SENTRY_ENVIRONMENT": "test", "PYTHONPATH": str(ROOT)}
    with (
        RedisServer(directory / "redis") as server,
        Sandbox(accounts=[Account(KEY)]) as sandbox,
        ScenarioEnvironment(
            directory / "scenario",
            server.url,
            sandbox,
            application="tests.worker.unforeseen_failures",
            log_level="DEBUG",
            **settings,
        ) as scenario,
    ):
        scenario.processes.worker().wait_until_ready()
        scenario.processes.beat().wait_until_ready()
        yield scenario


def test_a_failure_of_a_task_has_campaign_batch_and_attempt_as_tags(
    scenario: ScenarioEnvironment, sentry: SentryServer
) -> None:
    campaign = scenario.producer.enqueue(messages(1), sender="MyShop", text=TEMPLATE).campaign_id
    wait_until(lambda: failures(sentry, "TaskFailed"), within=20, what="the report")

    (event,) = failures(sentry, "TaskFailed")
    (exception,) = event["exception"]["values"]
    assert exception["value"].startswith("LookupError at ")
    assert "failing_record" in exception["value"]
    assert tags(event) >= {"campaign": campaign, "batch": f"{campaign}-0", "attempt": "1"}.items()
    assert event["fingerprint"] == [exception["value"].partition(", campaign ")[0]]
    assert event["environment"] == "test"


def test_a_chunk_that_cannot_be_prepared_is_reported_with_its_campaign(
    scenario: ScenarioEnvironment, sentry: SentryServer
) -> None:
    campaign = scenario.producer.enqueue(messages(3), sender="MyShop", text=TEMPLATE).campaign_id
    wait_until(lambda: logged(sentry, "could not be prepared"), within=20, what="the report")

    event = logged(sentry, "could not be prepared")[0]
    assert tags(event) >= {"campaign": campaign, "chunk": "0"}.items()


def test_beat_checks_in(scenario: ScenarioEnvironment, sentry: SentryServer) -> None:
    wait_until(lambda: sentry.items("check_in"), within=20, what="the check-in")

    check_in = sentry.items("check_in")[0]
    assert (check_in["monitor_slug"], check_in["status"]) == (BEAT_MONITOR, "ok")
    assert check_in["monitor_config"]["schedule"] == {"type": "interval", "value": 1, "unit": "minute"}


def test_nothing_that_is_reported_has_a_phone_a_text_or_a_key(
    scenario: ScenarioEnvironment, sentry: SentryServer
) -> None:
    wait_until(lambda: failures(sentry, "TaskFailed") and logged(sentry, "could not be prepared"), what="the reports")

    assert secrets_in(sentry.received) == []
    assert all("vars" not in frame for event in sentry.items("event") for frame in frames(event))


def test_a_process_that_shall_report_without_the_sdk_says_so() -> None:
    program = "import sys; sys.modules['sentry_sdk'] = None; import bsg_worker.application"
    environment = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1", "SENTRY_DSN": "http://public@127.0.0.1:1/1"}

    shown = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stderr

    assert "install the extra `sentry`" in shown


def failures(sentry: SentryServer, kind: str) -> list[Mapping[str, Any]]:
    return [event for event in sentry.items("event") if kind in str(event.get("exception"))]


def logged(sentry: SentryServer, words: str) -> list[Mapping[str, Any]]:
    return [event for event in sentry.items("event") if words in str(event.get("logentry"))]


def frames(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for exception in event.get("exception", {}).get("values", ()):
        yield from (exception.get("stacktrace") or {}).get("frames", ())


def tags(event: Mapping[str, Any]) -> ItemsView[str, str]:
    return dict(event["tags"]).items()
