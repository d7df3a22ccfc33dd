"""Read the data of the page of streams from the ledger, in bounded time for any number of streams and campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_ledger.stream_latency import Latency, read_latencies
from bsg_ledger.stream_listing import ListedStream
from bsg_ledger.waiting import Wait
from bsg_ledger.waiting_reader import WaitingReader
from bsg_ledger.waiting_rules import most_urgent
from bsg_messages import rules
from bsg_messages.rejects import Violation
from bsg_monitor.rates import Rates
from bsg_producer.queue_errors import queue_errors

STREAMS_ON_A_PAGE = 25


@dataclass(frozen=True, slots=True)
class ShownStream:
    """A stream as a row of the table has it. `rate`: messages a second that BSG has taken lately.

    `waited`: for how many seconds the oldest message has waited that is to be sent; None if none waits.
    """

    listed: ListedStream
    rate: float | None
    waited: float | None
    latency: Latency | None
    waits_for: Wait | None


@dataclass(frozen=True, slots=True)
class StreamList:
    streams: Sequence[ShownStream]
    page: int
    pages: int


class StreamObserver:
    """Reads for Flower; changes nothing. Safe in threads. Every method raises `QueueUnavailable`."""

    def __init__(self, settings: Settings) -> None:
        self._client = connect(settings)
        self._ledger = Ledger(self._client)
        self._waiting = WaitingReader(self._client, settings)
        self._rates = Rates()

    def streams(self, page: int) -> StreamList:
        """Return a page of streams, the one that began a campaign last first; the last page where there are fewer."""
        with queue_errors():
            pages = max(1, -(-self._ledger.stream_listing.length() // STREAMS_ON_A_PAGE))
            page = min(max(page, 1), pages)
            listed = self._ledger.stream_listing.page((page - 1) * STREAMS_ON_A_PAGE, STREAMS_ON_A_PAGE)
            waits = self._waiting.foremost_of([one.campaign_id for stream in listed for one in stream.campaigns])
            latencies = read_latencies(self._client, [stream.name for stream in listed])
            now = self._ledger.due_indexes.now()
        shown = [
            ShownStream(
                listed=stream,
                rate=self._rate(stream, now),
                waited=None if stream.oldest_at is None else (now - stream.oldest_at).total_seconds(),
                latency=latencies.get(stream.name),
                waits_for=most_urgent(waits[one.campaign_id] for one in stream.campaigns if one.campaign_id in waits),
            )
            for stream in listed
        ]
        return StreamList(shown, page, pages)

    def _rate(self, stream: ListedStream, now: datetime) -> float | None:
        """Return the sum of the rates of its open campaigns: their counts grow, those of a stream's do not always."""
        rates = [
            self._rates.of(one.campaign_id, one.counts["submitted"] + one.counts["finished"], now.timestamp())
            for one in stream.campaigns
        ]
        known = [rate for rate in rates if rate is not None]
        return sum(known) if known else None

    def message_with_reference_id(self, reference_id: str) -> str | None:
        """Return the id of the message with that reference id of the caller; None unless exactly one stream has it."""
        try:
            reference_id = rules.reference_id(reference_id)
        except Violation:
            return None
        with queue_errors():
            return self._ledger.stream_listing.messages_with_reference_ids([reference_id]).get(reference_id)
