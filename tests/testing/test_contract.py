"""What an app meets is the same in both modes: errors, receipts, idempotency, streams, and what comes of a drain."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bsg_producer import (
    CampaignInvalid,
    CampaignNotFound,
    IdempotencyConflict,
    MessageInvalid,
    MessageNotFound,
    Producer,
    QueueUnavailable,
)
from bsg_testing import CampaignsEnvironment
from bsg_testing.redis_servers import Mode

OLENA = {"phone": "+380 66 123-12-31", "name": "Olena"}
TARAS = {"phone": "+380 66 123-12-32", "name": "Taras"}
TEXT = "Hi {{ name }}"


def test_enqueue_returns_a_receipt_and_a_status(environment: CampaignsEnvironment) -> None:
    receipt = environment.producer.enqueue([OLENA, TARAS], sender="MyShop", text=TEXT, name="news")

    status = environment.producer.status(receipt.campaign_id)
    assert (receipt.messages, receipt.duplicate) == (2, False)
    assert (status.name, status.state, status.counts["unprepared"]) == ("news", "accepted", 2)
    assert [(each.batch, each.to_state) for each in status.transitions] == [("", "accepted")]


def test_an_idempotency_key_accepts_a_campaign_once(environment: CampaignsEnvironment) -> None:
    first = environment.producer.enqueue([OLENA], sender="MyShop", text=TEXT, idempotency_key="news-7")
    again = environment.producer.enqueue([OLENA], sender="MyShop", text=TEXT, idempotency_key="news-7")

    assert (again.campaign_id, again.duplicate) == (first.campaign_id, True)
    with pytest.raises(IdempotencyConflict) as conflict:
        environment.producer.enqueue([TARAS], sender="MyShop", text=TEXT, idempotency_key="news-7")
    assert conflict.value.campaign_id == first.campaign_id
    environment.drain()
    assert environment.sandbox.summary().messages == 1


def test_what_is_wrong_raises_and_accepts_nothing(environment: CampaignsEnvironment) -> None:
    producer = environment.producer
    with pytest.raises(CampaignInvalid) as invalid:
        producer.enqueue([OLENA], sender="MyShop", text="Hi {{ name", priority="highest")  # type: ignore[arg-type]
    with pytest.raises(CampaignNotFound):
        producer.status("3dP7Uagd3I3HHuahZvh7CC")
    with pytest.raises(MessageNotFound):
        producer.message("unknown")

    assert set(invalid.value.errors) == {"text", "priority"}
    assert list(producer.campaigns()) == []


def test_a_stream_accepts_one_message_at_a_time(environment: CampaignsEnvironment) -> None:
    orders = environment.producer.stream("orders", sender="MyShop", text=TEXT)
    first = orders.send(OLENA, idempotency_key="order-1")
    again = orders.send(OLENA, idempotency_key="order-1")

    assert (again.message_id, again.duplicate) == (first.message_id, True)
    with pytest.raises(IdempotencyConflict) as conflict:
        orders.send(TARAS, idempotency_key="order-1")
    assert conflict.value.message_id == first.message_id
    with pytest.raises(MessageInvalid) as invalid:
        orders.send({"phone": "12", "name": "Nobody"})
    assert (invalid.value.field, invalid.value.code) == ("phone", "invalid_phone")
    assert environment.producer.message(first.message_id).state == "pending"
    assert orders.status().counts["pending"] == 1


def test_a_stream_accepts_many_messages_and_finds_them_again(environment: CampaignsEnvironment) -> None:
    orders = environment.producer.stream("orders", sender="MyShop", text="Order {{ order }}")
    rows = [({"phone": 380661230000 + order, "order": order}, f"order-{order}") for order in range(700)]

    receipts = list(orders.send_many(rows))
    environment.drain()

    assert orders.message(idempotency_key="order-699").message_id == receipts[699].message_id
    assert environment.producer.message(receipts[0].message_id).state == "finished"
    assert environment.sandbox.summary().distinct_messages == 700


def test_rejects_and_suppressed_phones_are_reported(environment: CampaignsEnvironment) -> None:
    environment.producer.suppress([TARAS["phone"]])
    campaign = environment.producer.enqueue(
        [OLENA, TARAS, {"phone": "12", "name": "Nobody"}, {"phone": 380661231233}], sender="MyShop", text=TEXT
    ).campaign_id

    environment.drain()

    rejects = [(reject.index, reject.code.value) for reject in environment.producer.rejects(campaign)]
    assert rejects == [(1, "suppressed"), (2, "invalid_phone"), (3, "missing_field")]
    with pytest.raises(MessageInvalid) as invalid:
        environment.producer.stream("orders", sender="MyShop", text=TEXT).send(TARAS)
    assert invalid.value.code == "suppressed"


def test_pause_resume_cancel_and_retry_control_a_campaign(environment: CampaignsEnvironment) -> None:
    producer = environment.producer
    paused = producer.enqueue([OLENA], sender="MyShop", text=TEXT).campaign_id
    cancelled = producer.enqueue([TARAS], sender="MyShop", text=TEXT).campaign_id
    expired = producer.enqueue(
        [TARAS], sender="MyShop", text="Bye", deadline=environment.now() + timedelta(hours=1)
    ).campaign_id
    producer.pause(paused)
    producer.cancel(cancelled)
    environment.advance(timedelta(hours=2))
    environment.drain()
    assert [producer.status(one).state for one in (paused, cancelled, expired)] == ["accepted", "cancelled", "expired"]

    producer.resume(paused)
    producer.retry(expired, deadline=environment.now() + timedelta(hours=1))
    environment.drain()

    assert [producer.status(one).state for one in (paused, cancelled, expired)] == ["done", "cancelled", "done"]


def test_events_are_read_from_a_position_on(environment: CampaignsEnvironment) -> None:
    environment.producer.enqueue([OLENA], sender="MyShop", text=TEXT)
    environment.drain()

    events = list(environment.producer.events())

    assert [(event.from_state, event.to_state) for event in events if event.batch] == [
        ("unprepared", "preparing"),
        ("preparing", "prepared"),
        ("", "pending"),
        ("pending", "posting"),
        ("posting", "submitted"),
        ("submitted", "finished"),
    ]
    assert list(environment.producer.events(since=events[-2].position)) == events[-1:]


def test_a_campaign_of_many_chunks_and_batches_arrives_whole(mode: Mode) -> None:
    messages = [{"phone": 380661230000 + number, "name": f"N{number}"} for number in range(330)]
    with CampaignsEnvironment(mode, settings={"CAMPAIGN_BATCH_SIZE": "10"}) as environment:
        environment.producer.enqueue(messages, sender="MyShop", text=TEXT)
        assert len(environment.outbox) == 330

        environment.drain()

        assert environment.sandbox.summary().distinct_messages == 330
        assert environment.sandbox.summary().campaigns == 33


def test_asyncio_apps_meet_the_same(environment: CampaignsEnvironment) -> None:
    async def send() -> str:
        async with environment.async_producer() as producer:
            receipt = await producer.enqueue([OLENA], sender="MyShop", text=TEXT, idempotency_key="news-7")
            again = await producer.enqueue([OLENA], sender="MyShop", text=TEXT, idempotency_key="news-7")
            orders = producer.stream("orders", sender="MyShop", text=TEXT)
            message = await orders.send(TARAS)
            assert again.duplicate
            assert (await producer.message(message.message_id)).state == "pending"
            return receipt.campaign_id

    campaign = asyncio.run(send())
    environment.drain()

    assert environment.producer.status(campaign).state == "done"
    assert [message.text for message in environment.outbox] == ["Hi Olena", "Hi Taras"]


def test_bsg_is_asked_for_prices_and_reports(environment: CampaignsEnvironment) -> None:
    preview = environment.producer.preview([OLENA], sender="MyShop", text=TEXT, price=True)
    campaign = environment.producer.enqueue([OLENA], sender="MyShop", text=TEXT).campaign_id
    environment.drain()

    (report,) = environment.producer.report(campaign)
    assert preview.price is not None
    assert (report.phone, report.status) == ("380661231231", "delivered")


def test_a_body_is_encrypted_if_the_settings_have_a_key(environment: CampaignsEnvironment, mode: Mode) -> None:
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    with CampaignsEnvironment(mode, settings={"BODY_KEY": key}) as encrypted:
        encrypted.producer.enqueue([OLENA], sender="MyShop", text=TEXT)
        encrypted.assert_sent(text="Hi Olena")
        encrypted.drain()
        encrypted.assert_sent(text="Hi Olena")


def test_a_producer_that_an_app_keeps_works_in_the_next_test(mode: Mode) -> None:
    with CampaignsEnvironment(mode):
        kept = Producer()
        kept.enqueue([OLENA], sender="MyShop", text=TEXT)

    with CampaignsEnvironment(mode) as environment:
        environment.assert_nothing_sent()
        kept.enqueue([TARAS], sender="MyShop", text=TEXT)
        environment.assert_sent(to=TARAS["phone"], times=1)
        environment.drain()
        assert environment.sandbox.summary().messages == 1


def test_a_redis_that_is_down_raises_what_it_does_in_production(environment: CampaignsEnvironment) -> None:
    orders = environment.producer.stream("orders", sender="MyShop", text=TEXT)

    async def send() -> None:
        async with environment.async_producer() as producer:
            await producer.enqueue([OLENA], sender="MyShop", text=TEXT)

    with environment.redis_down():
        with pytest.raises(QueueUnavailable):
            environment.producer.enqueue([OLENA], sender="MyShop", text=TEXT)
        with pytest.raises(QueueUnavailable):
            orders.send(OLENA)
        with pytest.raises(QueueUnavailable):
            asyncio.run(send())

    environment.assert_nothing_sent()
    orders.send(OLENA)
    environment.assert_sent(text="Hi Olena", times=1)
