from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Sampler, SamplingResult
from opentelemetry.trace import StatusCode

from bsg_config.tracing import sampled_traceparent, span
from tests.traces import Recorded, recording

SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ANOTHER = "00-1bf7651916cd43dd8448eb211c80319d-c7ad6b7169203332-01"


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    with recording() as recorded:
        yield recorded


def test_a_process_without_opentelemetry_enqueues_and_sends(redis_url: str) -> None:
    program = (
        "import sys; sys.modules['opentelemetry'] = None;"  # whoever imports it gets an ImportError
        "from bsg_producer import Producer; producer = Producer();"
        "print(producer.enqueue([{'phone': 380661231231}], sender='MyShop', text='Hi').messages,"
        "producer.stream('codes', sender='MyShop').send({'phone': 380661231231, 'text': 'Hi'}).duplicate)"
    )

    shown = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert shown.strip() == "1 False"


def test_without_an_sdk_a_span_has_no_context() -> None:
    with span("bsg.enqueue", "PRODUCER", messages=3) as current:
        current.note(campaign="c")
        assert current.traceparent is None
        assert sampled_traceparent() is None


def test_a_span_continues_the_trace_of_its_parent_and_links_to_what_it_is_in(recorded: Recorded) -> None:
    with span("task", "CONSUMER"), span("bsg.dispatch", "CONSUMER", parent=SENDER, attempt=1) as current:
        current.note(outcome="taken")

    task, dispatch = recorded.one("task"), recorded.one("bsg.dispatch")
    assert context_of(dispatch.parent) == SENDER
    assert [context_of(link.context) for link in dispatch.links] == [context_of(task.context)]
    assert dispatch.attributes == {"bsg.attempt": 1, "bsg.outcome": "taken"}


def test_a_span_without_a_parent_is_a_child_of_what_it_is_in_and_has_its_links(recorded: Recorded) -> None:
    with span("task", "CONSUMER"), span("bsg.dispatch", "CONSUMER", links=[SENDER, ANOTHER]):
        pass

    task, dispatch = recorded.one("task"), recorded.one("bsg.dispatch")
    assert context_of(dispatch.parent) == context_of(task.context)
    assert [context_of(link.context) for link in dispatch.links] == [SENDER, ANOTHER]


@pytest.mark.parametrize("broken", ["", "garbage", "00-" + 32 * "0" + "-b7ad6b7169203331-01", 1000 * "a", "ä"])
def test_a_context_that_cannot_be_read_begins_a_trace(recorded: Recorded, broken: str) -> None:
    with span("bsg.dispatch", "CONSUMER", parent=broken, links=[broken]):
        pass

    dispatch = recorded.one("bsg.dispatch")
    assert dispatch.parent is None
    assert dispatch.links == ()


def test_a_span_that_began_a_while_ago_has_that_length(recorded: Recorded) -> None:
    with span("bsg.dispatch", "CONSUMER", seconds_ago=2.0):
        pass

    dispatch = recorded.one("bsg.dispatch")
    assert 2.0 <= (int(dispatch.end_time or 0) - int(dispatch.start_time or 0)) / 1e9 < 30.0


def test_an_exception_is_recorded_by_its_type_alone(recorded: Recorded) -> None:
    with pytest.raises(ValueError, match="380661231231"), span("bsg.send", "PRODUCER"):
        raise ValueError("cannot send to 380661231231")

    sent = recorded.one("bsg.send")
    assert (sent.status.status_code, sent.status.description) == (StatusCode.ERROR, None)
    assert sent.attributes == {"error.type": "ValueError"}
    assert "380661231231" not in sent.to_json()


def test_a_trace_that_nobody_records_is_in_no_message() -> None:
    with recording(ALWAYS_OFF), span("bsg.send", "PRODUCER") as current:
        assert current.traceparent is not None
        assert int(current.traceparent[-2:], 16) & 1 == 0  # W3C's flag `sampled`
        assert sampled_traceparent() is None


class BrokenSampler(Sampler):
    def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
        raise RuntimeError("a sampler of the user's")

    def get_description(self) -> str:
        return "broken"


def test_a_failure_of_opentelemetry_changes_nothing() -> None:
    with recording(BrokenSampler()) as recorded:
        with span("bsg.send", "PRODUCER") as current:
            current.note(message="m")
            assert current.traceparent is None

        assert recorded.spans == ()


def context_of(context: Any) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
