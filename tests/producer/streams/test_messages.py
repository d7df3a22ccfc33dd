"""What became of one message: by its id, by its key, by the caller's reference id, and by BSG's own record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from bsg_producer import AsyncProducer, CampaignInvalid, MessageNotFound, ReportUnavailable, Stream
from bsg_sandbox.server import Sandbox
from tests.worker.harness import WorkerHarness

PHONE = 380_661_231_231


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def harness(redis_url: str, sandbox: Sandbox) -> WorkerHarness:
    return WorkerHarness(redis_url, sandbox)


def codes(harness: WorkerHarness) -> Stream:
    return harness.producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")


def test_a_message_is_found_by_its_key_and_by_its_reference_id(harness: WorkerHarness) -> None:
    stream = codes(harness)
    keyed = stream.send({"phone": PHONE, "code": 1}, idempotency_key="first")
    named = stream.send({"phone": PHONE + 1, "code": 2, "reference_id": "order2"})

    assert stream.message(idempotency_key="first") == harness.producer.message(keyed.message_id)
    assert stream.message(reference_id="order2") == harness.producer.message(named.message_id)


def test_names_that_are_older_than_a_retention_are_still_found_beside_new_ones(harness: WorkerHarness) -> None:
    stream = codes(harness)
    first = stream.send({"phone": PHONE, "code": 1}, idempotency_key="first")
    harness.runtime.redis.hset("bsg:stream:codes", "keys_until", 0)  # as if the retention were over
    second = stream.send({"phone": PHONE + 1, "code": 2}, idempotency_key="second")

    assert stream.message(idempotency_key="first").message_id == first.message_id
    assert stream.message(idempotency_key="second").message_id == second.message_id


@pytest.mark.parametrize(
    "name", [{"idempotency_key": "other"}, {"reference_id": "order3"}, {"reference_id": "first"}, {"reference_id": "-"}]
)
def test_a_name_that_no_message_has_is_not_found_and_the_setting_is_named(
    harness: WorkerHarness, name: dict[str, str]
) -> None:
    stream = codes(harness)
    stream.send({"phone": PHONE, "code": 1}, idempotency_key="first")

    with pytest.raises(MessageNotFound, match="forgotten after STREAM_KEY_RETENTION") as caught:
        stream.message(**name)
    assert [caught.value.message_id] == list(name.values())
    with pytest.raises(MessageNotFound):
        harness.producer.stream("empty").message(**name)


@pytest.mark.parametrize("names", [{}, {"idempotency_key": "first", "reference_id": "order1"}])
def test_exactly_one_name_is_given(harness: WorkerHarness, names: dict[str, str]) -> None:
    with pytest.raises(CampaignInvalid, match="either an idempotency key or a reference id"):
        codes(harness).message(**names)


@pytest.mark.parametrize("own", [{}, {"reference_id": "order1"}])
def test_bsg_reports_the_message_itself_and_no_other_of_its_batch(harness: WorkerHarness, own: dict[str, str]) -> None:
    stream = codes(harness)
    stream.send({"phone": PHONE + 1, "code": 2})
    message_id = stream.send({"phone": PHONE, "code": 1, **own}).message_id
    harness.dispatch()

    status = harness.producer.message(message_id, report=True)

    assert status.state == "submitted"
    assert status.report is not None
    assert (status.report.index, status.report.phone) == (1, str(PHONE))
    assert status.report.reference_id == own.get("reference_id", message_id)
    assert status.report.price
    assert harness.producer.message(message_id).report is None


def test_a_message_that_is_not_at_bsg_has_no_report(harness: WorkerHarness) -> None:
    message_id = codes(harness).send({"phone": PHONE, "code": 1}).message_id

    assert harness.producer.message(message_id, report=True).report is None


def test_a_row_of_another_campaign_at_bsg_is_no_report_of_the_message(harness: WorkerHarness, sandbox: Sandbox) -> None:
    message_id = codes(harness).send({"phone": PHONE, "code": 1}).message_id
    harness.dispatch()
    status = harness.producer.message(message_id)
    batch = f"bsg:campaign:{status.campaign_id}:batch:{status.batch.number}"
    harness.runtime.redis.hset(batch, "bsg_campaign_id", 999_999)

    assert harness.producer.message(message_id, report=True).report is None


def test_a_bsg_that_does_not_respond_is_reported(harness: WorkerHarness, sandbox: Sandbox) -> None:
    message_id = codes(harness).send({"phone": PHONE, "code": 1}).message_id
    harness.dispatch()
    sandbox.fault("server_error_before", method="GET", path="/api/messages")

    with pytest.raises(ReportUnavailable, match="BSG did not respond"):
        harness.producer.message(message_id, report=True)


def test_an_asyncio_app_asks_bsg_and_finds_messages_likewise(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = codes(harness).send({"phone": PHONE, "code": 1}, idempotency_key="first").message_id
    harness.dispatch()
    for variable, value in harness.environment.items():
        monkeypatch.setenv(variable, value)

    async def ask() -> tuple[Any, str]:
        async with AsyncProducer() as producer:
            status = await producer.message(message_id, report=True)
            found = await producer.stream("codes").message(idempotency_key="first")
            return status.report, found.message_id

    report, found = asyncio.run(ask())
    assert (report.phone, found) == (str(PHONE), message_id)
