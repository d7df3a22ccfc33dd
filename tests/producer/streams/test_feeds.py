"""What the feeds report of a stream's messages, and the command line with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bsg_cli.main import main
from bsg_messages.reference_ids import FIRST_SUFFIX, LAST_SUFFIX, SUFFIX_LENGTH
from bsg_producer import MessageRange, Stream
from bsg_sandbox.server import Sandbox
from tests.worker.harness import WorkerHarness

TEXT = "Your code is 1234"


@pytest.fixture
def harness(redis_url: str) -> Iterator[WorkerHarness]:
    with Sandbox() as sandbox:
        yield WorkerHarness(redis_url, sandbox)


def codes(harness: WorkerHarness, name: str = "codes") -> Stream:
    return harness.producer.stream(name, sender="MyShop", text=TEXT)


def ranges(harness: WorkerHarness) -> list[tuple[str, MessageRange | None]]:
    """Return the state that each event leads to, with the messages."""
    return [(event.to_state, event.messages) for event in harness.producer.events()]


def range_of(first: str, last: str) -> MessageRange:
    return MessageRange("codes", first[:-SUFFIX_LENGTH] + FIRST_SUFFIX, last[:-SUFFIX_LENGTH] + LAST_SUFFIX)


def test_an_event_of_a_streams_batch_has_the_ids_of_all_its_messages(harness: WorkerHarness) -> None:
    ids = [codes(harness).send({"phone": 380661231231 + number}).message_id for number in range(3)]
    harness.dispatch()

    everything = range_of(ids[0], ids[-1])
    assert ranges(harness) == [
        ("accepted", None),
        ("pending", everything),
        ("posting", everything),
        ("submitted", everything),
    ]
    assert all(everything.first <= one <= everything.last for one in ids)


def test_each_batch_has_its_own_messages(harness: WorkerHarness) -> None:
    first = codes(harness).send({"phone": 380661231231}).message_id
    second = codes(harness).send({"phone": 380661231231}).message_id  # no request has a phone twice

    assert ranges(harness)[1:] == [
        ("pending", range_of(first, first)),
        ("pending", range_of(second, second)),
    ]


def test_a_message_that_is_rejected_is_not_in_the_range(harness: WorkerHarness) -> None:
    ids = [codes(harness).send({"phone": 380661231231 + number}).message_id for number in range(3)]
    harness.producer.suppress([380661231233])
    harness.dispatch()
    harness.dispatch()

    assert ranges(harness)[-1] == ("submitted", range_of(ids[0], ids[1]))


def test_an_event_of_a_campaign_has_no_message_ids(harness: WorkerHarness) -> None:
    harness.submitted(2)

    assert {found for _, found in ranges(harness)} == {None}
    assert "submitted" in [state for state, _ in ranges(harness)]


def test_an_event_of_a_batch_that_is_forgotten_has_no_message_ids(harness: WorkerHarness) -> None:
    message_id = codes(harness).send({"phone": 380661231231}).message_id
    harness.runtime.redis.delete(f"bsg:campaign:{message_id[:22]}:batch:0")

    assert ranges(harness) == [("accepted", None), ("pending", None)]


def test_a_delivery_report_has_the_message_id_even_if_the_caller_chose_the_reference_id(harness: WorkerHarness) -> None:
    generated = codes(harness).send({"phone": 380661231231}).message_id
    chosen = codes(harness).send({"phone": 380661231232, "reference_id": "order1742"}).message_id

    harness.producer.record_reports(
        {"reference": reference, "status": "delivered"} for reference in (generated, "order1742", "unknown")
    )

    reports = list(harness.producer.delivery_reports())
    assert [report.message_id for report in reports] == [generated, chosen, None]
    assert [(report.reference_id, report.index) for report in reports[1:]] == [("order1742", 1), ("unknown", None)]
    assert harness.producer.message(str(reports[1].message_id)).state == "pending"


def test_a_reference_id_that_two_streams_know_names_no_message(harness: WorkerHarness) -> None:
    for name in ("codes", "orders"):
        codes(harness, name).send({"phone": 380661231231, "reference_id": "order1742"})

    harness.producer.record_reports([{"reference": "order1742", "status": "delivered"}])

    (report,) = harness.producer.delivery_reports()
    assert (report.message_id, report.campaign_id) == (None, None)


def test_a_reference_id_is_found_among_the_older_keys_too(harness: WorkerHarness) -> None:
    chosen = codes(harness).send({"phone": 380661231231, "reference_id": "order1742"}).message_id
    harness.runtime.redis.hset("bsg:stream:codes", "keys_until", 1)
    codes(harness).send({"phone": 380661231232, "reference_id": "order1743"})

    harness.producer.record_reports([{"reference": "order1742", "status": "delivered"}])

    assert [report.message_id for report in harness.producer.delivery_reports()] == [chosen]


def test_the_command_line_prints_message_ids(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable, value in harness.environment.items():
        monkeypatch.setenv(variable, value)
    message_id = codes(harness).send({"phone": 380661231231, "reference_id": "order1742"}).message_id
    harness.producer.record_reports({"reference": one, "status": "sent"} for one in ("order1742", message_id))
    sent = range_of(message_id, message_id)

    assert main(["events"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(f"  messages {sent.first} to {sent.last} of stream codes")
    assert main(["events", "--reports"]) == 0
    chosen, generated = capsys.readouterr().out.splitlines()
    assert chosen.endswith(f"  order1742  {message_id}  message 0  sent")
    assert generated.endswith(f"  {message_id}  message 0  sent")
