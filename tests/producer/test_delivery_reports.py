"""An app follows the delivery reports of all campaigns by a feed of their own."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from bsg_config.settings import Settings
from bsg_producer import AsyncProducer, CampaignInvalid, FeedGap, Producer
from tests.producer.test_enqueueing import producer_at


@pytest.fixture
def producer(redis_url: str) -> Producer:
    return producer_at(redis_url)


def record(producer: Producer, first: int, last: int) -> None:
    producer.record_reports({"reference": f"order{number}", "status": "sent"} for number in range(first, last + 1))


def test_an_app_goes_on_behind_the_report_that_it_dealt_with_last(producer: Producer) -> None:
    record(producer, 1, 3)
    first, *_ = producer.delivery_reports()

    assert [report.reference_id for report in producer.delivery_reports(since=first.position)] == ["order2", "order3"]
    assert abs(first.received_at - datetime.now(UTC)) < timedelta(seconds=30)


def test_what_is_read_after_taking_the_latest_position_misses_nothing(producer: Producer) -> None:
    record(producer, 1, 2)
    position = producer.latest_delivery_report()

    record(producer, 3, 3)

    assert [report.reference_id for report in producer.delivery_reports(since=position)] == ["order3"]


def test_more_reports_than_a_script_call_takes_keep_their_order(producer: Producer) -> None:
    record(producer, 1, 2500)

    assert [report.reference_id for report in producer.delivery_reports()] == [f"order{n}" for n in range(1, 2501)]


def test_the_same_report_pushed_again_is_there_twice(producer: Producer) -> None:
    record(producer, 1, 1)
    record(producer, 1, 1)

    assert [report.reference_id for report in producer.delivery_reports()] == ["order1"] * 2


def test_as_many_are_kept_as_the_settings_say(redis_url: str) -> None:
    producer = producer_at(redis_url, delivery_reports_kept=1000)

    record(producer, 1, 2000)

    kept = [report.reference_id for report in producer.delivery_reports()]
    assert kept[-1] == "order2000"
    assert 1000 <= len(kept) <= 1100


def test_whoever_comes_too_late_gets_a_gap_that_says_what_to_do(redis_url: str) -> None:
    producer = producer_at(redis_url, delivery_reports_kept=1000)
    record(producer, 1, 1)
    (first,) = producer.delivery_reports()
    record(producer, 2, 2000)

    with pytest.raises(FeedGap, match=r"take `latest_delivery_report\(\)`"):
        next(producer.delivery_reports(since=first.position))


def test_following_waits_for_what_comes(producer: Producer) -> None:
    recording = threading.Timer(0.5, record, [producer, 1, 1])
    recording.start()

    report = next(producer.delivery_reports(follow=True))
    recording.join()

    assert report.reference_id == "order1"


def test_an_asyncio_app_reads_and_records_them_too(redis_url: str) -> None:
    async def act() -> list[str]:
        async with AsyncProducer(Settings.build(redis_url=redis_url)) as producer:
            await producer.record_reports([{"reference": "order1", "status": "sent"}])
            position = await producer.latest_delivery_report()
            await producer.record_reports([{"reference": "order1", "status": "Delivered"}])
            return [report.status async for report in producer.delivery_reports(since=position)]

    assert asyncio.run(act()) == ["delivered"]


def test_what_is_no_report_is_named_by_its_index_and_none_is_recorded(producer: Producer) -> None:
    with pytest.raises(CampaignInvalid) as caught:
        producer.record_reports([{"reference": "order1", "status": "sent"}, {"reference": "order2"}])

    assert caught.value.errors == {
        "reports": ["1 is not a delivery report: give it as BSG pushes it, with `reference` and `status`"]
    }
    assert list(producer.delivery_reports()) == []
