"""What the retentions no longer keep is forgotten, also where a purge was broken off."""

from __future__ import annotations

import pytest

from bsg_ledger import compaction
from bsg_ledger.batch_id import BatchId
from bsg_ledger.scripts import Scripts
from bsg_sandbox.server import Sandbox
from bsg_worker.upkeep.purge import purge
from tests.worker.harness import WorkerHarness

DAY_MS = 86_400_000


def closed(harness: WorkerHarness, *, days: int) -> str:
    """Cancel a campaign of three batches, one for each message to the same phone."""
    messages = [{"phone": 380660000000, "text": f"Number {number}"} for number in range(3)]
    campaign = harness.producer.enqueue(messages, sender="MyShop").campaign_id
    harness.prepare(campaign)
    harness.producer.cancel(campaign)
    harness.runtime.redis.zadd("bsg:closed", {campaign: harness.runtime.ledger.due_indexes.now_ms() - days * DAY_MS})
    return campaign


@pytest.mark.parametrize("broken_off", [False, True])
def test_the_messages_of_a_closed_campaign_are_forgotten(harness: WorkerHarness, broken_off: bool) -> None:
    campaign = closed(harness, days=8)
    if broken_off:
        assert Scripts(harness.runtime.redis, batches_a_step=1).step("forget_bodies", campaign) == "more"

    assert purge(harness.runtime) == "forgot 0 campaigns and the bodies of 1, compacted 0"

    bodies = [harness.runtime.ledger.reading.body(BatchId.of(campaign, batch)) for batch in range(3)]
    assert bodies == [None, None, None]
    assert harness.status(campaign).counts["cancelled"] == 3
    assert purge(harness.runtime) == "forgot 0 campaigns and the bodies of 0, compacted 1"
    assert harness.status(campaign).counts["cancelled"] == 3
    assert purge(harness.runtime) == ""


def test_a_full_redis_forgets_messages_although_it_stores_no_pages_of_a_record(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(compaction.ROWS_INSIDE, "batches", 0)
    closed(harness, days=9)
    purge(harness.runtime)
    closed(harness, days=8)
    before = str(harness.runtime.redis.config_get("maxmemory")["maxmemory"])
    harness.runtime.redis.config_set("maxmemory", "1mb")
    try:
        full = purge(harness.runtime)
    finally:
        harness.runtime.redis.config_set("maxmemory", before)

    assert full == "forgot 0 campaigns and the bodies of 1, compacted 0"
    assert purge(harness.runtime) == "forgot 0 campaigns and the bodies of 0, compacted 2"


def test_a_cancelled_campaign_is_not_forgotten_while_its_stream_collects(redis_url: str) -> None:
    with Sandbox() as sandbox:
        kept = {"STREAM_CAMPAIGN_TIME": "604800", "LEDGER_RETENTION": "86400", "BODY_RETENTION": "3600"}
        harness = WorkerHarness(redis_url, sandbox, **kept)
        stream = harness.producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
        first = stream.send({"phone": 380661231231, "code": 1})
        stream.cancel()
        campaign = harness.producer.message(first.message_id).campaign_id
        long_ago = harness.runtime.ledger.due_indexes.now_ms() - 2 * DAY_MS
        harness.runtime.redis.zadd("bsg:closed", {campaign: long_ago})

        purge(harness.runtime)
        second = stream.send({"phone": 380661231231, "code": 2})

        assert harness.producer.message(first.message_id).state == "cancelled"
        assert harness.producer.message(second.message_id).state == "pending"


@pytest.mark.parametrize("broken_off", [False, True])
def test_a_closed_campaign_is_forgotten(harness: WorkerHarness, broken_off: bool) -> None:
    campaign = closed(harness, days=91)
    if broken_off:
        assert Scripts(harness.runtime.redis, batches_a_step=1).step("forget_campaign", campaign) == "more"

    assert purge(harness.runtime) == "forgot 1 campaigns and the bodies of 0, compacted 0"

    assert harness.runtime.ledger.reading.summary(campaign) is None
    assert list(harness.runtime.redis.scan_iter(f"bsg:campaign:{campaign}*")) == []
