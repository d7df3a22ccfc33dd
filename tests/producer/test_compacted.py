"""Whatever web apps, the command line and Flower read of a campaign is the same once it is compacted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bsg_cli.commands.explain import explain, explain_stream
from bsg_cli.diagnosis.streams import look_at_streams
from bsg_ledger import compacted_record, compaction
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.stream_latency import read_latencies
from bsg_monitor.campaign_view import CampaignView
from bsg_monitor.observer import Observer
from bsg_monitor.stream_observer import StreamObserver
from bsg_producer import CampaignInvalid, MessageReceipt
from bsg_sandbox.server import Sandbox
from bsg_worker.poll.poll import poll
from bsg_worker.upkeep.purge import purge
from bsg_worker.upkeep.sweep import sweep
from tests.worker.harness import WorkerHarness

DAY_MS = 86_400_000
PHONE = 380_661_231_231


@pytest.fixture
def harness(redis_url: str) -> Iterator[WorkerHarness]:
    with Sandbox() as sandbox:
        yield WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="2", BODY_RETENTION="0")


@pytest.fixture(autouse=True, params=[False, True], ids=["in the record", "in pages"])
def in_pages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    for kind in compaction.ROWS_INSIDE if request.param else ():
        monkeypatch.setitem(compaction.ROWS_INSIDE, kind, 0)
        monkeypatch.setitem(compacted_record.ROWS_A_PAGE, kind, 2)
    return bool(request.param)


def let_days_pass(harness: WorkerHarness, campaign: str) -> None:
    """BSG's statistics do not change any more, and the messages are forgotten."""
    client: Any = harness.runtime.redis
    for _ in range(3):
        harness.sandbox.advance(60)
        harness.make_due(DueIndex.LIVE)
        poll(harness.runtime)
    for key in client.scan_iter(f"bsg:campaign:{campaign}:batch:*"):
        if client.type(key) == b"hash" and client.hexists(key, "finished_at"):
            client.hincrby(key, "finished_at", -10 * DAY_MS)
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    long_ago = harness.runtime.ledger.due_indexes.now_ms() - 2 * DAY_MS
    for index in ("campaigns", "closed"):
        client.zadd(f"bsg:{index}", {campaign: long_ago}, xx=True)
    assert purge(harness.runtime) == "forgot 0 campaigns and the bodies of 1, compacted 0"


def sent(harness: WorkerHarness) -> str:
    messages: list[dict[str, Any]] = [
        *({"phone": PHONE + number, "text": "Hi", "reference_id": f"own{number}"} for number in range(5)),
        {"phone": "12", "text": "Hi"},
        {"phone": PHONE, "text": ""},
    ]
    campaign = harness.producer.enqueue(messages, sender="MyShop", name="News", idempotency_key="news").campaign_id
    harness.prepare_and_submit(campaign)
    let_days_pass(harness, campaign)
    return campaign


def shown(harness: WorkerHarness, campaign: str) -> dict[str, Any]:
    """Return everything that somebody may read of the campaign."""
    producer, observer = harness.producer, Observer(harness.settings)
    detail, listed = observer.campaign(campaign, 1), observer.campaigns(CampaignView())
    return {
        "status": producer.status(campaign),
        "campaigns": list(producer.campaigns()),
        "rejects": list(producer.rejects(campaign)),
        "report": list(producer.report(campaign)),
        "watch": list(producer.watch(campaign)),
        "explain": explain(harness.settings, campaign),
        "Flower's page": replace(detail, overview=None, shown=replace(detail.shown, age=0)),  # type: ignore[arg-type]
        "Flower's table": [replace(row, age=0) for row in listed.campaigns],
        "metrics": observer.figures().messages,
    }


def test_everything_that_is_read_of_a_campaign_is_the_same_once_it_is_compacted(harness: WorkerHarness) -> None:
    campaign = sent(harness)
    before = shown(harness, campaign)

    assert purge(harness.runtime) == "forgot 0 campaigns and the bodies of 0, compacted 1"

    assert shown(harness, campaign) == before
    assert len(before["report"]) == 5
    assert len(before["rejects"]) == 2


def ended(harness: WorkerHarness, receipt: MessageReceipt) -> str:
    """Return the message's campaign, which takes up no more messages. Its messages are forgotten."""
    campaign = harness.producer.message(receipt.message_id).campaign_id
    harness.dispatch()
    harness.runtime.redis.hset(f"bsg:campaign:{campaign}", "collects_until", 1)
    assert harness.runtime.ledger.streams.stop_collecting(campaign)
    let_days_pass(harness, campaign)
    return campaign


def compacted(harness: WorkerHarness, receipt: MessageReceipt) -> None:
    ended(harness, receipt)
    assert purge(harness.runtime) == "forgot 0 campaigns and the bodies of 0, compacted 1"


def test_the_messages_of_a_streams_campaign_are_found_once_it_is_compacted(harness: WorkerHarness) -> None:
    stream = harness.producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
    receipts = []
    for number in range(7):
        message = {"phone": PHONE + number % 4, "code": number, "reference_id": f"code{number}"}
        receipts.append(stream.send(message, idempotency_key=f"code {number}"))
        if number % 3:
            harness.dispatch()
    campaign = ended(harness, receipts[0])

    def read() -> list[Any]:
        by_id = [harness.producer.message(receipt.message_id, report=True) for receipt in receipts]
        by_key = [stream.message(idempotency_key=f"code {number}") for number in range(7)]
        by_reference_id = [stream.message(reference_id=f"code{number}") for number in range(7)]
        flower = StreamObserver(harness.settings)
        in_flower = [flower.message_with_reference_id(f"code{number}") for number in range(7)]
        shown = [replace(row, latency=None) for row in flower.streams(1).streams]
        explained = explain_stream(harness.settings, shown[0].listed)
        found = list(look_at_streams(harness.runtime.redis, harness.settings))
        events = [event for event in harness.producer.events() if event.campaign_id == campaign]
        statuses = [stream.status(), harness.producer.streams()]
        return [by_id, by_key, by_reference_id, in_flower, shown, explained, found, statuses, events]

    before = read()

    assert purge(harness.runtime) == "forgot 0 campaigns and the bodies of 0, compacted 1"

    assert read() == before
    assert len({message.batch for message in before[0]}) > 2
    assert {event.messages.stream for event in before[-1] if event.messages} == {"codes"}
    assert before[3] == [receipt.message_id for receipt in receipts]
    again = stream.send({"phone": PHONE, "code": 0, "reference_id": "code0"}, idempotency_key="code 0")
    assert (again.duplicate, again.message_id) == (True, receipts[0].message_id)


def test_a_message_of_a_stream_whose_batch_expired_is_found_once_its_campaign_is_compacted(
    harness: WorkerHarness, in_pages: bool
) -> None:
    stream = harness.producer.stream("codes", sender="MyShop", text="Your code is 1")
    stream.pause()
    receipt = stream.send({"phone": PHONE})
    client, batch = harness.runtime.redis, harness.producer.message(receipt.message_id).batch
    client.zadd(f"bsg:campaign:{batch.campaign_id}:deadlines", {"0": 1})
    assert not harness.runtime.ledger.campaigns.expire(batch.campaign_id)

    compacted(harness, receipt)

    assert harness.producer.message(receipt.message_id).state == "expired"
    names = {
        key.decode().removeprefix(f"bsg:campaign:{batch.campaign_id}:") for key in client.scan_iter("bsg:campaign:*")
    }
    assert names == {"record", *(["pages"] if in_pages else [])}
    for index in ("open", "closed", "deadlines", "collecting", "unfinished"):
        assert client.zscore(f"bsg:{index}", batch.campaign_id) is None


def test_delivery_reports_name_the_messages_of_a_streams_compacted_campaign(harness: WorkerHarness) -> None:
    stream = harness.producer.stream("codes", sender="MyShop", text="Your code is 1")
    receipts = [stream.send({"phone": PHONE}), stream.send({"phone": PHONE + 1, "reference_id": "order1742"})]
    compacted(harness, receipts[0])

    harness.producer.record_reports(
        {"reference": reference, "status": "delivered"} for reference in (receipts[0].message_id, "order1742")
    )

    reports = list(harness.producer.delivery_reports())
    assert [report.message_id for report in reports] == [receipt.message_id for receipt in receipts]


def test_the_latency_of_a_stream_is_not_of_compacted_campaigns(harness: WorkerHarness) -> None:
    stream = harness.producer.stream("codes", sender="MyShop", text="Your code is 1")
    old = stream.send({"phone": PHONE})
    harness.dispatch()
    before = read_latencies(harness.runtime.redis, ["codes"])
    compacted(harness, old)
    between = read_latencies(harness.runtime.redis, ["codes"])

    stream.send({"phone": PHONE})
    harness.dispatch()

    assert (before["codes"].messages, between) == (1, {})
    assert read_latencies(harness.runtime.redis, ["codes"])["codes"].messages == 1


def test_a_cancelled_campaign_of_a_stream_is_compacted_once_its_stream_has_another(harness: WorkerHarness) -> None:
    stream = harness.producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
    receipt = stream.send({"phone": PHONE, "code": 1})
    campaign = harness.producer.message(receipt.message_id).campaign_id
    stream.cancel()
    let_days_pass(harness, campaign)

    early = purge(harness.runtime)
    other = stream.send({"phone": PHONE, "code": 2})
    late = purge(harness.runtime)

    assert early == ""
    assert late == "forgot 0 campaigns and the bodies of 0, compacted 1"
    assert sweep(harness.runtime) == ""
    assert harness.producer.message(receipt.message_id).state == "cancelled"
    assert harness.producer.message(other.message_id).state == "pending"


def test_a_retry_of_a_compacted_campaign_is_refused_with_the_setting_that_ended_it(harness: WorkerHarness) -> None:
    campaign = harness.prepared(1)
    harness.runtime.redis.hset(f"bsg:campaign:{campaign}", "deadline", 1)
    assert harness.runtime.ledger.campaigns.expire(campaign)
    let_days_pass(harness, campaign)
    assert purge(harness.runtime) == "forgot 0 campaigns and the bodies of 0, compacted 1"

    with pytest.raises(CampaignInvalid, match="BODY_RETENTION"):
        harness.producer.retry(campaign, deadline=harness.runtime.ledger.due_indexes.now() + timedelta(hours=6))


def test_a_compacted_campaign_is_forgotten_after_its_retention(harness: WorkerHarness) -> None:
    campaign = sent(harness)
    purge(harness.runtime)
    later = replace(harness.settings, ledger_retention=86_400.0)

    assert purge(replace(harness.runtime, settings=later)) == "forgot 1 campaigns and the bodies of 0, compacted 0"

    assert list(harness.producer.campaigns()) == []
    assert list(harness.runtime.redis.scan_iter(f"bsg:campaign:{campaign}*")) == []
