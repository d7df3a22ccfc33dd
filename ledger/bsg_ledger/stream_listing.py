"""Read streams with their open campaigns. A stream may have thousands of closed ones, which are not read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import redis

from bsg_ledger import schema
from bsg_ledger.record_parsing import message_id_of, summary_of
from bsg_ledger.records import CampaignSummary
from bsg_ledger.replies import typed
from bsg_ledger.scripts import decoded, text_of
from bsg_ledger.times import to_datetime

STREAMS_SEARCHED = 100
BATCHES_LOOKED_AT = 1000  # of those that wait in a campaign, to find the oldest


@dataclass(frozen=True, slots=True)
class ListedStream:
    """A stream in a list. `campaigns`: its open campaigns, the newest first. `counts`: their messages by state.

    `oldest_at`: when the message was accepted that has waited longest to be sent; None if none waits. `began_at`: when
    the stream last began a campaign.

    >>> producer.stream("codes", sender="MyShop").send({"phone": 380661231231, "text": "Your code is 1234"}).duplicate
    False
    >>> codes = producer.streams()[0]
    >>> codes.waiting, codes.counts["pending"], len(codes.campaigns)
    (1, 1, 1)
    """

    name: str
    paused: bool
    began_at: datetime
    oldest_at: datetime | None
    counts: Mapping[str, int]
    campaigns: Sequence[CampaignSummary]

    @property
    def waiting(self) -> int:
        """Return how many messages wait to be sent."""
        return self.counts.get("pending", 0)


class StreamListing:
    def __init__(self, client: redis.Redis) -> None:
        self._client = typed(client)

    def length(self) -> int:
        """Return the number of streams in the ledger."""
        return self._client.zcard(schema.STREAMS())

    def page(self, first: int, count: int) -> list[ListedStream]:
        """Return `count` streams from index `first` on. The one that began a campaign last has index 0."""
        return self.streams(self.names(first, count))

    def all(self) -> list[ListedStream]:
        """Return every stream, in the same order."""
        return self.page(0, self.length())

    def names(self, first: int, count: int) -> list[str]:
        """Return the names of these streams, likewise."""
        return [text_of(name) for name in self._client.zrevrange(schema.STREAMS(), first, first + count - 1)]

    def knows(self, name: str) -> bool:
        return self._client.zscore(schema.STREAMS(), name) is not None

    def stream(self, name: str) -> ListedStream | None:
        """Return the stream; None if the ledger does not know it."""
        return next(iter(self.streams([name])), None)

    def streams(self, names: Sequence[str]) -> list[ListedStream]:
        """Return these streams, without those that the ledger does not know."""
        pipe = self._client.pipeline(transaction=False)
        for name in names:
            pipe.zscore(schema.STREAMS(), name)
            pipe.hget(schema.STREAM(name), "paused")
            pipe.zinter([schema.STREAM_CAMPAIGNS(name), schema.OPEN()])
        replies = pipe.execute()
        heads = [
            (name, to_datetime(int(began)), paused == b"1", [text_of(campaign) for campaign in reversed(campaigns)])
            for name, began, paused, campaigns in zip(names, replies[::3], replies[1::3], replies[2::3], strict=True)
            if began is not None
        ]
        summaries, oldest = self._campaigns([campaign for *_, campaigns in heads for campaign in campaigns])
        return [
            _listed(name, began, [summaries[one] for one in campaigns if one in summaries], oldest, paused=paused)
            for name, began, paused, campaigns in heads
        ]

    def messages_with_reference_ids(self, reference_ids: Sequence[str]) -> dict[str, str]:
        """Return the ids of the messages to which callers gave these reference ids, as far as known.

        A stream knows them for STREAM_KEY_RETENTION at least. The STREAMS_SEARCHED streams that began a campaign last
        are searched. What several streams know is left out.
        """
        if not reference_ids:
            return {}
        names = self.names(0, STREAMS_SEARCHED)
        pipe = self._client.pipeline(transaction=False)
        for name in names:
            pipe.hget(schema.STREAM(name), "keys")
        latest = [int(keys or 0) for keys in pipe.execute()]
        for name, keys in zip(names, latest, strict=True):
            for number in (keys, keys - 1):  # the newest ids, and those before them
                pipe.hmget(schema.STREAM_KEYS(name, number), [f"id {one}" for one in reference_ids])
        found = iter(pipe.execute())
        known: dict[str, list[str]] = {}
        for newest, older in zip(found, found, strict=True):  # of each stream
            for reference_id, new, old in zip(reference_ids, newest, older, strict=True):
                if (record := new or old) is not None:
                    known.setdefault(reference_id, []).append(message_id_of(record))
        return {reference_id: messages[0] for reference_id, messages in known.items() if len(messages) == 1}

    def _campaigns(self, campaign_ids: Sequence[str]) -> tuple[dict[str, CampaignSummary], dict[str, datetime]]:
        """Return the campaigns, and since when the oldest message of each has waited, if one waits."""
        pipe = self._client.pipeline(transaction=False)
        for campaign_id in campaign_ids:
            pipe.hgetall(schema.CAMPAIGN(campaign_id))
            pipe.zrange(schema.CAMPAIGN_DUE(campaign_id), 0, BATCHES_LOOKED_AT - 1)
        replies = pipe.execute()
        summaries = {
            campaign_id: summary_of(campaign_id, decoded(raw))
            for campaign_id, raw in zip(campaign_ids, replies[::2], strict=True)
            if raw
        }
        # A stream opens its batches one after the other.
        first = {
            campaign_id: min(map(int, due)) for campaign_id, due in zip(campaign_ids, replies[1::2], strict=True) if due
        }
        for campaign_id, batch in first.items():
            pipe.hget(schema.BATCH(campaign_id, batch), "collects_from")
        since = zip(first, pipe.execute(), strict=True)
        return summaries, {campaign_id: to_datetime(int(at)) for campaign_id, at in since if at is not None}


def _listed(
    name: str, began_at: datetime, campaigns: Sequence[CampaignSummary], oldest: Mapping[str, datetime], *, paused: bool
) -> ListedStream:
    counts = Counter[str]()
    for campaign in campaigns:
        counts.update(campaign.counts)
    waiting = [oldest[campaign.campaign_id] for campaign in campaigns if campaign.campaign_id in oldest]
    return ListedStream(name, paused, began_at, min(waiting, default=None), counts, campaigns)
