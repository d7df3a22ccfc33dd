"""Add to transitions of streams' batches which messages the batch has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.compacted_reading import CompactedReading
from bsg_ledger.records import MessageRange, Transition
from bsg_ledger.replies import Replies
from bsg_ledger.scripts import text_of
from bsg_messages.reference_ids import FIRST_SUFFIX, LAST_SUFFIX, stream_message_id


def with_message_ranges(client: Replies, transitions: Sequence[Transition]) -> list[Transition]:
    """Return the transitions, those of streams' batches with `messages`. Campaigns that belong to no stream have none.

    A transition does not record them: until it is sent, a batch takes up messages without a transition.
    """
    batches = {transition.batch for transition in transitions if isinstance(transition.batch, BatchId)}
    ranges = _ranges(client, sorted(batches)) if batches else {}
    return [
        replace(transition, messages=ranges[transition.batch]) if transition.batch in ranges else transition
        for transition in transitions
    ]


def _ranges(client: Replies, batches: Sequence[BatchId]) -> dict[str, MessageRange]:
    campaigns = sorted({batch.campaign_id for batch in batches})
    pipe = client.pipeline(transaction=False)
    for campaign_id in campaigns:
        pipe.hget(schema.CAMPAIGN(campaign_id), "stream")
    streams = {
        campaign_id: text_of(stream)
        for campaign_id, stream in zip(campaigns, pipe.execute(), strict=True)
        if stream is not None
    }
    collected = [batch for batch in batches if batch.campaign_id in streams]
    for batch in collected:
        pipe.hget(schema.BATCH(*batch.parts), "rows")
    rows_of = {batch: text_of(rows) for batch, rows in zip(collected, pipe.execute(), strict=True) if rows is not None}
    compacted = CompactedReading(client)
    for campaign_id, campaign in compacted.campaigns([name for name in campaigns if name not in streams]).items():
        if "stream" in campaign.fields:
            streams[campaign_id] = campaign.fields["stream"]
    missing = [batch for batch in batches if batch.campaign_id in streams and batch not in rows_of]
    rows_of |= {batch: record.get("rows", "") for batch, record in compacted.batches(missing).items()}
    return {
        batch: _range(streams[batch.campaign_id], batch.campaign_id, rows) for batch, rows in rows_of.items() if rows
    }


def _range(stream: str, campaign_id: str, rows: str) -> MessageRange:
    runs = rows.split(",")
    first, (last, _, length) = int(runs[0].partition("+")[0]), runs[-1].partition("+")
    return MessageRange(
        stream,
        stream_message_id(campaign_id, first, FIRST_SUFFIX),
        stream_message_id(campaign_id, int(last) + int(length) - 1, LAST_SUFFIX),
    )
