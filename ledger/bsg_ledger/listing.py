"""Read pages of campaigns, and never a whole campaign, for lists of many of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

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
CAMPAIGNS_AT_ONCE = 500
NAMES_AT_ONCE = 5000
NAMES_LOOKED_AT = 50_000  # of campaigns, streams' included, to find those that are not streams'

_OUTLINE = ("state", "size", "statistics", "price", "currency", "submitted_at", "finished_at")


@dataclass(frozen=True, slots=True)
class ListedCampaign:
    """A campaign in a list. `start_at`: when BSG has to begin with it; None: at once.

    `reported`: messages by BSG's status, as far as BSG has reported them. It is None if it is unknown: BSG has reported
    nothing yet, or the campaign has more batches than a list reads. `cost` is as BSG reported it, with the currency.
    """

    summary: CampaignSummary
    account: str | None
    batches: int
    start_at: datetime | None
    reported: Mapping[str, int] | None
    cost: str | None

    @property
    def delivered(self) -> int | None:
        """Return how many messages were delivered; None if that is unknown."""
        return None if self.reported is None else self.reported.get("delivered")


@dataclass(frozen=True, slots=True)
class CampaignHead:
    """What campaigns are sorted and filtered by. `cost` is what the campaign has cost so far, in its currency."""

    summary: CampaignSummary
    cost: Decimal


class Listing:
    def __init__(self, client: redis.Redis) -> None:
        self._client = typed(client)
        self._compacted = CompactedReading(client)

    def campaign_ids(self, at_most: int, *, of_streams: bool = False) -> list[str]:
        """Return the ids of the newest campaigns, the newest first, without those of streams unless `of_streams`."""
        found: list[str] = []
        for first in range(0, NAMES_LOOKED_AT, NAMES_AT_ONCE):
            some = self._client.zrevrange(schema.CAMPAIGNS(), first, first + NAMES_AT_ONCE - 1, withscores=True)
            left_out = self._of_streams(some[-1][1], some[0][1]) if some and not of_streams else frozenset()
            found += [text_of(name) for name, _ in some if name not in left_out]
            if len(some) < NAMES_AT_ONCE or len(found) >= at_most:
                break
        return found[:at_most]

    def open_ids(self) -> frozenset[str]:
        """Return the ids of the open campaigns, those of streams included."""
        return frozenset(text_of(name) for name in self._client.zrange(schema.OPEN(), 0, -1))

    def heads(self, campaign_ids: Sequence[str]) -> dict[str, CampaignHead]:
        """Return the heads of these campaigns by id, without those that the ledger does not know."""
        found: dict[str, CampaignHead] = {}
        for first in range(0, len(campaign_ids), CAMPAIGNS_AT_ONCE):
            for name, record in self._records(campaign_ids[first : first + CAMPAIGNS_AT_ONCE]).items():
                found[name] = CampaignHead(summary_of(name, record), Decimal(record.get("cost", 0)))
        return found

    def campaigns(self, campaign_ids: Sequence[str]) -> list[ListedCampaign]:
        """Return these campaigns, without those that the ledger does not know."""
        records = self._records(campaign_ids)
        # The first batch of a large campaign shows the currency.
        outlines = self._outlines(
            {
                name: range(_batches(record) if is_looked_into(_batches(record)) else 1)
                for name, record in records.items()
            }
        )
        return [_listed(name, record, outlines[name]) for name, record in records.items()]

    def outlines(self, campaign_id: str, numbers: range) -> list[Batch]:
        """Return these batches of a campaign, if they exist, with only state, size, deliveries and times."""
        found: list[Batch] = []
        for start in range(0, len(numbers), BATCHES_AT_ONCE):
            found += self._outlines({campaign_id: numbers[start : start + BATCHES_AT_ONCE]})[campaign_id]
        return found

    def _records(self, campaign_ids: Sequence[str]) -> dict[str, Mapping[str, str]]:
        pipe = self._client.pipeline(transaction=False)
        for campaign_id in campaign_ids:
            pipe.hgetall(schema.CAMPAIGN(campaign_id))
        return self._compacted.fields(campaign_ids, pipe.execute())

    def _of_streams(self, since: float, until: float) -> frozenset[bytes]:
        """Return the campaigns of streams that were accepted in that period."""
        pipe = self._client.pipeline(transaction=False)
        for name in self._client.zrange(schema.STREAMS(), 0, -1):
            pipe.zrangebyscore(schema.STREAM_CAMPAIGNS(text_of(name)), since, until)
        return frozenset(campaign for campaigns in pipe.execute() for campaign in campaigns)

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


def is_looked_into(batches: int) -> bool:
    """Return whether a list reads the batches of a campaign with so many of them."""
    return batches <= LOOK_AHEAD


def _listed(campaign_id: str, record: Mapping[str, str], outlines: Sequence[Batch]) -> ListedCampaign:
    currency = next((one.cost.partition(" ")[2] for one in outlines if one.cost), "")
    return ListedCampaign(
        summary=summary_of(campaign_id, record),
        account=record.get("account") or None,
        batches=_batches(record),
        start_at=start_at_of(record),
        reported=reported(outlines) if is_looked_into(_batches(record)) else None,
        cost=f"{record['cost']} {currency}".strip() if "cost" in record else None,
    )


def reported(batches: Iterable[Batch]) -> Mapping[str, int] | None:
    """Return how many messages BSG has reported in each of its statuses; None if it has reported nothing."""
    known = [batch.statistics for batch in batches if batch.statistics]
    total = Counter[str]()
    for statistics in known:
        total.update(statistics)
    return total if known else None
