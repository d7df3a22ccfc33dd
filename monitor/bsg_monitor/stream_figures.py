"""Read the metrics of streams from the ledger, in bounded time for any number of streams."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bsg_ledger.ledger import Ledger
from bsg_ledger.records import CampaignSummary
from bsg_ledger.stream_listing import ListedStream

STREAMS_MEASURED = 100
"""A name is chosen by an app, which may choose many. Each one with metrics has four time series in Prometheus."""


@dataclass(frozen=True, slots=True)
class MeasuredStream:
    """The metrics of a stream. `oldest_waiting`: for how many seconds the oldest message has waited; 0 if none waits.

    `accepted`: messages since this process first read the ledger.
    """

    name: str
    paused: bool
    waiting: int
    oldest_waiting: float
    accepted: int


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """`total`: all streams of the ledger. `measured`: the STREAMS_MEASURED that began a campaign last."""

    total: int
    measured: Sequence[MeasuredStream]


class StreamFiguresReader:
    """Safe in threads. Methods raise `redis.exceptions.RedisError`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()  # what has been counted must not be older than what was counted before
        self._accepted = _AcceptedMessages(ledger)

    def read(self) -> StreamFigures:
        with self._lock:
            now = self._ledger.due_indexes.now()
            listed = self._ledger.stream_listing.page(0, STREAMS_MEASURED)
            accepted = self._accepted.count(listed, now)
        measured = [
            MeasuredStream(
                name=stream.name,
                paused=stream.paused,
                waiting=stream.waiting,
                oldest_waiting=0.0 if stream.oldest_at is None else max(0.0, (now - stream.oldest_at).total_seconds()),
                accepted=accepted[stream.name],
            )
            for stream in listed
        ]
        return StreamFigures(self._ledger.stream_listing.length(), measured)


class _AcceptedMessages:
    """Counts what streams accept, by the counts of their open campaigns, which begin and are closed between reads."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._read_at: datetime | None = None
        self._accepted: Mapping[str, int] = {}  # by stream
        self._seen: Mapping[str, int] = {}  # what has been counted of each campaign that was open at the last read

    def count(self, streams: Sequence[ListedStream], now: datetime) -> Mapping[str, int]:
        """Return what each of these streams has accepted, by name. `now` is a time before they were read."""
        open_now = [campaign for stream in streams for campaign in stream.campaigns]
        new = Counter[str]()
        for campaign in (*open_now, *self._closed_since(open_now)):
            before = self._seen.get(campaign.campaign_id, self._before(campaign))
            new[campaign.name] += max(0, campaign.counts["accepted"] - before)
        # What is no longer listed starts from nothing if it comes back. Prometheus takes that for a restart.
        self._accepted = {stream.name: self._accepted.get(stream.name, 0) + new[stream.name] for stream in streams}
        self._seen = {campaign.campaign_id: campaign.counts["accepted"] for campaign in open_now}
        self._read_at = now
        return self._accepted

    def _closed_since(self, open_now: Sequence[CampaignSummary]) -> list[CampaignSummary]:
        """Return the campaigns that were open at the last read, and are not now."""
        closed = self._seen.keys() - {campaign.campaign_id for campaign in open_now}
        return list(self._ledger.reading.summaries(list(closed)))

    def _before(self, campaign: CampaignSummary) -> int:
        """Return what a campaign that was not open at the last read had accepted then: a retry may have reopened it."""
        is_new = self._read_at is not None and campaign.accepted_at >= self._read_at
        return 0 if is_new else campaign.counts["accepted"]
