"""A ledger with thousands of campaigns, as a shop has them after a quarter of a year: most are done and compacted."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from bsg_config.settings import Settings
from bsg_ledger import schema
from bsg_ledger.compacted_record import CompactedRecord
from bsg_messages.campaign_ids import new_campaign_id
from bsg_producer import Producer
from tests.ledger.campaigns import LedgerHarness

NAMES = ("Newsletter", "Autumn sale", "Password resets", "Order confirmations", "Reminders")
STREAMS = ("codes", "orders")
HOUR_MS = 3_600_000
BATCH = 100


def seed(redis_url: str, *, done: int, live: int, stream_messages: int = 10) -> None:
    """Fill the ledger with so many campaigns that are done and that are live, and with two streams."""
    harness, numbers = LedgerHarness.at(redis_url), count(1)
    record = CompactedRecord.from_bytes(_compacted(harness, next(numbers)))
    now = harness.ledger.due_indexes.now_ms()
    with harness.client.pipeline(transaction=False) as pipe:
        for number in range(done):
            campaign, accepted_at = new_campaign_id(), now - (number + 1) * HOUR_MS // 3
            name = f"{NAMES[number % len(NAMES)]} {number}"
            fields = {**record.fields, "name": name, "accepted_at": str(accepted_at), "cost": f"{number % 70}.25"}
            pipe.set(schema.RECORD(campaign), replace(record, fields=fields).to_bytes())
            pipe.zadd(schema.CAMPAIGNS(), {campaign: accepted_at})
        pipe.execute()
    for number in range(live):
        campaign = harness.prepared(BATCH, BATCH, BATCH, rejects=7, name=f"{NAMES[number % len(NAMES)]}, live {number}")
        _taken(harness, campaign, next(numbers), status="sending", final=False)
    producer = Producer(Settings.build(redis_url=redis_url))
    for name in STREAMS:
        stream = producer.stream(name, sender="MyShop")
        for number in range(stream_messages):
            stream.send({"phone": 380_661_000_000 + number, "text": "Hello!"})


def _compacted(harness: LedgerHarness, bsg_id: int) -> bytes:
    """Return the record of a campaign that was sent and compacted, and forget the campaign."""
    campaign = harness.prepared(BATCH, rejects=7)
    _taken(harness, campaign, bsg_id, status="done", final=True)
    assert harness.ledger.campaigns.forget_bodies(campaign)
    assert harness.ledger.compaction.compact(campaign, closed_for_ms=0)
    record: bytes = harness.client.get(schema.RECORD(campaign))
    harness.client.delete(schema.RECORD(campaign))
    harness.client.zrem(schema.CAMPAIGNS(), campaign)
    return record


def _taken(harness: LedgerHarness, campaign: str, bsg_id: int, *, status: str, final: bool) -> None:
    """Have BSG take a batch of the campaign, and report most of it as delivered."""
    harness.ledger.batches.polled(
        harness.submitted(campaign, 1_000_000 + bsg_id).batch,
        status=status,
        final=final,
        statistics='{"delivered": 90, "undelivered": 4, "sent": 6}',
        price="1.25",
        currency="EUR",
        total_messages=BATCH,
        next_poll_ms=None if final else HOUR_MS,
    )
