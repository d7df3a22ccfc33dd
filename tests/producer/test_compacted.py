"""Whatever web apps, the command line and Flower read of a campaign is the same once it is compacted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bsg_cli.commands.explain import explain
from bsg_ledger import compacted_record, compaction
from bsg_ledger.due_indexes import DueIndex
from bsg_monitor.observer import Observer
from bsg_producer import CampaignInvalid
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
def in_pages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in compaction.ROWS_INSIDE if request.param else ():
        monkeypatch.setitem(compaction.ROWS_INSIDE, kind, 0)
        monkeypatch.setitem(compacted_record.ROWS_A_PAGE, kind, 2)


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
    detail, listed = observer.campaign(campaign, 1), observer.campaigns(1)
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


def test_the_messages_of_a_streams_campaign_are_found_once_it_is_compacted(harness: WorkerHarness) -> None:
    stream = harness.producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
    receipts = []
    for number in range(7):
        receipts.append(stream.send({"phone": PHONE + number % 4, "code": number}, idempotency_key=f"code {number}"))
        if number % 3:
            harness.dispatch()
    campaign = harness.producer.message(receipts[0].message_id).campaign_id
    harness.dispatch()
    harness.runtime.redis.hset(f"bsg:campaign:{campaign}", "collects_until", 1)
    assert harness.runtime.ledger.streams.stop_collecting(campaign)
    let_days_pass(harness, campaign)

    def read() -> list[Any]:
        by_id = [harness.producer.message(receipt.message_id, report=True) for receipt in receipts]
        by_key = [stream.message(idempotency_key=f"code {number}") for number in range(7)]
        events = [event for event in harness.producer.events() if event.campaign_id == campaign]
        return [by_id, by_key, stream.status(), harness.producer.streams(), events]

    before = read()

    assert purge(harness.runtime) == "forgot 0 campaigns and the bodies of 0, compacted 1"

    assert read() == before
    assert len({message.batch for message in before[0]}) > 2
    assert {event.messages.stream for event in before[-1] if event.messages} == {"codes"}
    again = stream.send({"phone": PHONE, "code": 0}, idempotency_key="code 0")
    assert (again.duplicate, again.message_id) == (True, receipts[0].message_id)


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
