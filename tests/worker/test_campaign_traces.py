"""The trace of a campaign or a message: from the call that accepted it to the poll that found the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from bsg_config.tracing import span
from bsg_ledger.due_indexes import DueIndex
from bsg_producer import AsyncProducer, MessageInvalid
from bsg_worker.poll.poll import poll
from tests.security.secrets import FIRST_PHONE, NAME, TEMPLATE, messages, secrets_in
from tests.traces import Recorded, recording
from tests.worker.harness import WorkerHarness


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    with recording() as recorded:
        yield recorded


def follow_to_the_end(harness: WorkerHarness) -> None:
    harness.sandbox.advance(60)
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)


def identity(span: ReadableSpan) -> tuple[int, int]:
    assert span.context is not None
    return span.context.trace_id, span.context.span_id


def parent(span: ReadableSpan) -> tuple[int, int] | None:
    return None if span.parent is None else (span.parent.trace_id, span.parent.span_id)


def links(span: ReadableSpan) -> list[tuple[int, int]]:
    return [(link.context.trace_id, link.context.span_id) for link in span.links]


def test_a_trace_goes_from_enqueue_to_the_poll_that_found_the_end(harness: WorkerHarness, recorded: Recorded) -> None:
    with span("request", "INTERNAL"):
        campaign = harness.submitted(3)
    follow_to_the_end(harness)

    request, enqueue = recorded.one("request"), recorded.one("bsg.enqueue")
    dispatch, post, end = recorded.one("bsg.dispatch"), recorded.one("bsg.post"), recorded.one("bsg.poll")
    assert parent(enqueue) == identity(request)
    assert parent(dispatch) == identity(enqueue)
    assert parent(post) == identity(dispatch)
    assert parent(end) == identity(enqueue)
    assert (enqueue.kind, dispatch.kind, post.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER, SpanKind.CLIENT)
    about = {"bsg.account": "default", "bsg.campaign": campaign, "bsg.messages": 3}
    assert enqueue.attributes == {**about, "bsg.duplicate": False}
    batch = {**about, "bsg.batch": f"{campaign}-0", "bsg.attempt": 1}
    assert dispatch.attributes == {**batch, "bsg.outcome": "taken"}
    assert end.attributes == {**batch, "bsg.status": "done"}


def test_later_attempts_have_links_instead(harness: WorkerHarness, recorded: Recorded) -> None:
    harness.sandbox.fault("throttle", retry_after=0, times=1)
    campaign = harness.submitted(1)
    harness.make_due(DueIndex.DUE)
    harness.prepare_and_submit(campaign)

    enqueue = recorded.one("bsg.enqueue")
    first, second = recorded.named("bsg.dispatch")
    assert parent(first) == identity(enqueue)
    assert (parent(second), links(second)) == (None, [identity(enqueue)])
    assert second.attributes is not None
    assert second.attributes["bsg.attempt"] == 2


def test_a_batch_of_a_stream_has_links_to_its_senders(harness: WorkerHarness, recorded: Recorded) -> None:
    codes = harness.producer.stream("codes", sender="MyShop")
    receipts = [codes.send({"phone": FIRST_PHONE + number, "text": "1234"}) for number in range(3)]
    harness.dispatch()
    follow_to_the_end(harness)

    senders = [identity(sent) for sent in recorded.named("bsg.send")]
    dispatch, end = recorded.one("bsg.dispatch"), recorded.one("bsg.poll")
    assert len(set(senders)) == 3
    assert (parent(dispatch), links(dispatch)) == (None, senders)
    assert (parent(end), links(end)) == (None, senders)
    assert list(harness.sandbox.record().by_reference) == [receipt.message_id for receipt in receipts]
    assert [harness.producer.message(receipt.message_id).state for receipt in receipts] == 3 * ["finished"]


def test_many_messages_of_one_caller_have_one_link(harness: WorkerHarness, recorded: Recorded) -> None:
    codes = harness.producer.stream("codes", sender="MyShop")
    with span("import", "INTERNAL"):
        list(codes.send_many(({"phone": FIRST_PHONE + number, "text": "1234"}, None) for number in range(50)))
    harness.dispatch()

    assert links(recorded.one("bsg.dispatch")) == [identity(recorded.one("import"))]


def test_what_a_caller_outside_of_a_trace_sends_is_not_linked(harness: WorkerHarness, recorded: Recorded) -> None:
    codes = harness.producer.stream("codes", sender="MyShop")
    list(codes.send_many([({"phone": FIRST_PHONE, "text": "1234"}, None)]))
    harness.dispatch()

    assert links(recorded.one("bsg.dispatch")) == []


@pytest.mark.parametrize("body_key", ["", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="])
def test_senders_of_encrypted_messages_are_linked_too(
    harness: WorkerHarness, recorded: Recorded, body_key: str
) -> None:
    harness = WorkerHarness(harness.environment["REDIS_URL"], harness.sandbox, BODY_KEY=body_key)
    receipt = harness.producer.stream("codes", sender="MyShop").send(
        {"phone": FIRST_PHONE, "text": "1234", "reference_id": "mine"}
    )
    harness.dispatch()

    assert links(recorded.one("bsg.dispatch")) == [identity(recorded.one("bsg.send"))]
    assert receipt.message_id != "mine"
    assert list(harness.sandbox.record().by_reference) == ["mine"]


def test_a_coroutine_continues_the_trace_that_it_is_awaited_in(harness: WorkerHarness, recorded: Recorded) -> None:
    async def enqueue() -> None:
        async with AsyncProducer(harness.settings) as producer:
            with span("request", "INTERNAL"):
                await producer.enqueue(messages(1), sender="MyShop", text=TEMPLATE)

    asyncio.run(enqueue())
    harness.dispatch()

    enqueue_span = recorded.one("bsg.enqueue")
    assert parent(enqueue_span) == identity(recorded.one("request"))


def test_no_span_has_a_phone_a_text_or_a_key(harness: WorkerHarness, recorded: Recorded) -> None:
    harness.sandbox.fault("rows_refused", rows=[0], times=1)
    campaign = harness.producer.enqueue(messages(5), sender="MyShop", text=TEMPLATE).campaign_id
    harness.prepare_and_submit(campaign)
    stream = harness.producer.stream("codes", sender="MyShop", text=TEMPLATE)
    for message in messages(2):
        stream.send(message, idempotency_key=f"order of {message['phone']}")
    with pytest.raises(MessageInvalid):
        stream.send({"phone": f"{FIRST_PHONE}{FIRST_PHONE}", "name": NAME})
    harness.dispatch()
    follow_to_the_end(harness)

    shown = "\n".join(span.to_json() for span in recorded.spans)
    assert {span.name for span in recorded.spans} == {"bsg.enqueue", "bsg.send", "bsg.dispatch", "bsg.post", "bsg.poll"}
    assert secrets_in(shown) == []
