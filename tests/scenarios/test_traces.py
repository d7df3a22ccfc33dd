"""The traces of real workers under `opentelemetry-instrument`, with OpenTelemetry's instrumentation of Celery."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bsg_sandbox.accounts import Account
from bsg_sandbox.server import Sandbox
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment
from tests.security.secrets import FIRST_PHONE, KEY, TEMPLATE, messages, secrets_in
from tests.servers import RedisServer
from tests.traces import recording

_SPAN = re.compile(r"^\{\n.*?^\}$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScenarioEnvironment]:
    """A worker, a status worker and beat, whose spans are in their logs."""
    directory = tmp_path_factory.mktemp("traces")
    automatic = find_spec("opentelemetry.instrumentation.auto_instrumentation")
    assert automatic is not None
    assert automatic.origin is not None
    settings = {
        "BSG_API_KEY": KEY,
        # What the command opentelemetry-instrument sets.
        "PYTHONPATH": str(Path(automatic.origin).parent),
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with (
        RedisServer(directory / "redis") as server,
        Sandbox(accounts=[Account(KEY)]) as sandbox,
        ScenarioEnvironment(directory / "scenario", server.url, sandbox, **settings) as scenario,
    ):
        scenario.processes.all()
        yield scenario


def test_a_trace_goes_through_all_processes_and_links_to_the_tasks_of_celery(scenario: ScenarioEnvironment) -> None:
    with recording() as recorded:
        campaign = scenario.producer.enqueue(messages(3), sender="MyShop", text=TEMPLATE).campaign_id
    enqueue = recorded.one("bsg.enqueue").context
    assert enqueue is not None
    scenario.wait_for(campaign, "done")
    wait_until(lambda: spans(scenario, "bsg.poll", campaign), what="the poll's span")

    (dispatch,), (poll,) = spans(scenario, "bsg.dispatch", campaign), spans(scenario, "bsg.poll", campaign)
    for span in (dispatch, poll):
        assert span["context"]["trace_id"] == f"0x{enqueue.trace_id:032x}"
        assert span["parent_id"] == f"0x{enqueue.span_id:016x}"
    (link,) = dispatch["links"]
    (task,) = [span for span in all_spans(scenario) if span["context"]["span_id"] == link["context"]["span_id"]]
    assert (task["name"], task["kind"]) == ("run/bsg.dispatch", "SpanKind.CONSUMER")


def test_a_message_of_a_stream_is_linked(scenario: ScenarioEnvironment) -> None:
    with recording() as recorded:
        receipt = scenario.producer.stream("codes", sender="MyShop").send({"phone": FIRST_PHONE, "text": "swordfish"})
    sent = recorded.one("bsg.send").context
    assert sent is not None
    campaign = scenario.producer.message(receipt.message_id).campaign_id
    wait_until(lambda: spans(scenario, "bsg.poll", campaign), what="the poll's span")

    for name in ("bsg.dispatch", "bsg.poll"):
        (span,) = spans(scenario, name, campaign)
        assert f"0x{sent.span_id:016x}" in [link["context"]["span_id"] for link in span["links"]]


def test_no_span_of_any_process_has_a_phone_a_text_or_a_key(scenario: ScenarioEnvironment) -> None:
    scenario.sandbox.fault("rows_refused", rows=[0], times=1)
    campaign = scenario.producer.enqueue(messages(3), sender="MyShop", text=TEMPLATE).campaign_id
    scenario.wait_for(campaign, "done")
    wait_until(lambda: spans(scenario, "bsg.poll", campaign), what="the poll's span")

    shown = json.dumps(list(all_spans(scenario)))
    assert "rows_refused" in shown
    assert secrets_in(shown) == []


def all_spans(scenario: ScenarioEnvironment) -> Iterator[Mapping[str, Any]]:
    for found in _SPAN.findall(scenario.processes.logs()):
        yield json.loads(found)


def spans(scenario: ScenarioEnvironment, name: str, campaign: str) -> list[Mapping[str, Any]]:
    """Return the campaign's spans of that name."""
    return [
        span for span in all_spans(scenario) if span["name"] == name and span["attributes"]["bsg.campaign"] == campaign
    ]
