"""Read pages of campaigns, and never a whole campaign, for lists of many of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import redis

from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.compacted_reading import CompactedReading, batches_in
from bsg_ledger.record_parsing import batch_of, start_at_of, summary_of
from bsg_ledger.records import Batch, CampaignSummary
from bsg_ledger.replies import typed
from bsg_ledger.scripts import text_of, texts_by_name

LOOK_AHEAD = 100  # batches of a listed campaign that are read
BATCHES_AT_ONCE = 500

_OUTLINE = ("state", "size", "statistics", "submitted_at", "finished_at")


@dataclass(frozen=True, slots=True)
class ListedCampaign:
    """A campaign in a list. `start_at`: when BSG has to begin with it; None: at once.

    `delivered` is None if it is unknown: BSG has reported nothing yet, or the campaign has more batches than a list
    reads.
    """

    summary: CampaignSummary
    account: str | None
    batches: int
    start_at: datetime | None
    delivered: int | None


class Listing:
    def __init__(self, client: redis.Redis) -> None:
        self._client = typed(client)
        self._compacted = CompactedReading(client)

    def length(self) -> int:
        """Return the number of campaigns in the ledger."""
        return self._client.zcard(schema.CAMPAIGNS())

    def page(self, first: int, count: int) -> list[ListedCampaign]:
        """Return `count` campaigns from index `first` on. The newest has index 0."""
        names = [text_of(name) for name in self._client.zrevrange(schema.CAMPAIGNS(), first, first + count - 1)]
        return self.campaigns(names)

    def campaigns(self, campaign_ids: Sequence[str]) -> list[ListedCampaign]:
        """Return these campaigns, without those that the ledger does not know."""
        pipe = self._client.pipeline(transaction=False)
        for campaign_id in campaign_ids:
            pipe.hgetall(schema.CAMPAIGN(campaign_id))
        records = self._compacted.fields(campaign_ids, pipe.execute())
        outlines = self._outlines(
            {name: range(_batches(record)) for name, record in records.items() if _batches(record) <= LOOK_AHEAD}
        )
        return [_listed(name, record, outlines.get(name)) for name, record in records.items()]

    def outlines(self, campaign_id: str, numbers: range) -> list[Batch]:
        """Return these batches of a campaign, if they exist, with only state, size, deliveries and times."""
        found: list[Batch] = []
        for start in range(0, len(numbers), BATCHES_AT_ONCE):
            found += self._outlines({campaign_id: numbers[start : start + BATCHES_AT_ONCE]})[campaign_id]
        return found

    def _outlines(self, wanted: Mapping[str, range]) -> dict[str, list[Batch]]:
        pipe = self._client.pipeline(transaction=False)
        for campaign_id, numbers in wanted.items():
            for number in numbers:
                pipe.hmget(schema.BATCH(campaign_id, number), _OUTLINE)
        replies: Iterator[Sequence[bytes | None]] = iter(pipe.execute())
        found = {
            campaign_id: [
                batch_of(BatchId.of(campaign_id, number), texts_by_name(_OUTLINE, reply))
                for number in numbers
                if (reply := next(replies))[0] is not None
            ]
            for campaign_id, numbers in wanted.items()
        }
        missing = [campaign_id for campaign_id, numbers in wanted.items() if len(found[campaign_id]) < len(numbers)]
        for campaign_id, campaign in self._compacted.campaigns(missing).items():
            ids = [BatchId.of(campaign_id, number) for number in wanted[campaign_id]]
            found[campaign_id] = [
                batch_of(batch, {name: record[name] for name in _OUTLINE if name in record})
                for batch, record in batches_in({campaign_id: campaign}, ids).items()
            ]
        return found


def _batches(record: Mapping[str, str]) -> int:
    return int(record.get("next_batch", 0))


def _listed(campaign_id: str, record: Mapping[str, str], outlines: Sequence[Batch] | None) -> ListedCampaign:
    return ListedCampaign(
        summary=summary_of(campaign_id, record),
        account=record.get("account") or None,
        batches=_batches(record),
        start_at=start_at_of(record),
        delivered=None if outlines is None else delivered(outlines),
    )


def delivered(batches: Iterable[Batch]) -> int | None:
    """Return how many messages BSG has reported as delivered; None if it has reported nothing."""
    known = [batch.delivered for batch in batches if batch.delivered is not None]
    return sum(known) if known else None
