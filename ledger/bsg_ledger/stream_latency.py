"""How long the messages of streams take to BSG, by their latest batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import redis

from bsg_ledger import schema
from bsg_ledger.replies import typed
from bsg_ledger.scripts import text_of

BATCHES_MEASURED = 100
_CAMPAIGNS_LOOKED_AT = 2  # the newest may have just begun


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from a message's acceptance until BSG has taken it, over so many messages of the latest batches.

    A batch has the time of its first message, so that the others took less. Compacted campaigns are not measured: they
    ended days ago.
    """

    messages: int
    median: float
    percentile_99: float


def read_latencies(client: redis.Redis, streams: Sequence[str]) -> dict[str, Latency]:
    """Return the latency of each of these streams of which BSG has taken a batch."""
    replies = typed(client)
    pipe = replies.pipeline(transaction=False)
    for stream in streams:
        pipe.zrevrange(schema.STREAM_CAMPAIGNS(stream), 0, _CAMPAIGNS_LOOKED_AT - 1)
    campaigns = [[text_of(campaign) for campaign in found] for found in pipe.execute()]
    for campaign in (campaign for found in campaigns for campaign in found):
        pipe.hget(schema.CAMPAIGN(campaign), "next_batch")
    counts = iter(pipe.execute())
    measured = [_latest_batches([(campaign, int(next(counts) or 0)) for campaign in found]) for found in campaigns]
    for batch in (batch for batches in measured for batch in batches):
        pipe.hmget(schema.BATCH(*batch), "size", "collects_from", "submitted_at")
    records = iter(pipe.execute())
    latencies = {
        stream: _latency([record for record in (next(records) for _ in batches) if None not in record])
        for stream, batches in zip(streams, measured, strict=True)
    }
    return {stream: latency for stream, latency in latencies.items() if latency is not None}


def _latest_batches(campaigns: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return campaign and number of the latest batches of campaigns with so many batches each."""
    latest = ((campaign, number) for campaign, batches in campaigns for number in reversed(range(batches)))
    return list(islice(latest, BATCHES_MEASURED))


def _latency(batches: Sequence[Sequence[bytes]]) -> Latency | None:
    took = sorted((max(0, int(taken) - int(began)) / 1000, int(size)) for size, began, taken in batches)
    messages = sum(size for _, size in took)
    if not messages:
        return None
    return Latency(messages, _percentile(took, 0.5 * messages), _percentile(took, 0.99 * messages))


def _percentile(took: Sequence[tuple[float, int]], rank: float) -> float:
    """Return the seconds that so many messages took at most."""
    counted = 0
    for seconds, size in took:
        counted += size
        if counted >= rank:
            return seconds
    return took[-1][0]
