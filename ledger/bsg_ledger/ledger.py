"""The durable record in Redis of what was accepted, sent or refused, or is in doubt. Only it writes these keys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import redis

from bsg_config import clock
from bsg_ledger.batches import Batches
from bsg_ledger.campaigns import Campaigns
from bsg_ledger.chunks import Chunks
from bsg_ledger.compaction import Compaction
from bsg_ledger.delivery_reports import DELIVERY_REPORTS_KEPT, DeliveryReports
from bsg_ledger.dispatcher import Dispatcher, SubmitRules
from bsg_ledger.doubts import Doubt, read_doubts
from bsg_ledger.due_indexes import DueIndexes
from bsg_ledger.durability import Durability
from bsg_ledger.failures import Failures
from bsg_ledger.feed import TransitionFeed
from bsg_ledger.gate import Gate
from bsg_ledger.keys import Keys
from bsg_ledger.listing import Listing
from bsg_ledger.message_index import MessageIndex
from bsg_ledger.operator_log import OperatorLog
from bsg_ledger.provider_facts import ProviderFactsStore
from bsg_ledger.reading import Reading
from bsg_ledger.rollback_detector import RollbackDetector
from bsg_ledger.scripts import FEED_LENGTH, Scripts
from bsg_ledger.stop_list import StopListProgress
from bsg_ledger.stream_listing import StreamListing
from bsg_ledger.streams import Streams
from bsg_ledger.suppressions import Suppressions
from bsg_ledger.zones import LearntZone

NEXT_LOOK_MS = 1000  # a doubt is due soon: reconcile decides how old it must be for the first look-up


class Ledger:
    """The ledger's transitions by subject, over one Redis client.

    The client must not retry: each transition is guarded, but only the caller knows what a lost reply means.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        relaxed: bool = False,
        timeout_ms: int = 3000,
        delivery_reports_kept: int = DELIVERY_REPORTS_KEPT,
        feed_length: int = FEED_LENGTH,
        batches_a_step: int | None = None,
    ) -> None:
        scripts = Scripts(client, feed_length, batches_a_step=batches_a_step)
        self.campaigns = Campaigns(client, scripts)
        self.compaction = Compaction(client, scripts)
        self.chunks = Chunks(client, scripts)
        self.batches = Batches(scripts, next_look_ms=NEXT_LOOK_MS)
        self.due_indexes = DueIndexes(client, scripts)
        self.streams = Streams(client, scripts)
        self.suppressions = Suppressions(client, scripts)
        self.reading = Reading(client)
        self.feed = TransitionFeed(client)
        self.delivery_reports = DeliveryReports(client, scripts, kept=delivery_reports_kept)
        self.operator_log = OperatorLog(client, scripts)
        self.message_index = MessageIndex(client, scripts)
        self.keys = Keys(client, scripts)
        self.listing = Listing(client)
        self.stream_listing = StreamListing(client)
        self.durability = Durability(client, relaxed=relaxed, timeout_ms=timeout_ms)
        self._client = client
        self._scripts = scripts
        self._reached_at = -math.inf

    def reach(self, *, within: float = 0.0) -> None:
        """Raise `redis.exceptions.RedisError` when Redis does not respond. Do not wait for the disk.

        `within`: ask only if Redis has not responded to this in the last so many seconds.
        """
        if clock.monotonic() - self._reached_at >= within:
            self._client.ping()
            self._reached_at = clock.monotonic()

    def learnt_zone(self, account: str) -> LearntZone:
        return LearntZone(self._client, account)

    def provider_facts(self, account: str) -> ProviderFactsStore:
        return ProviderFactsStore(self._client, account)

    def rollback_detector(self, accounts: Sequence[str]) -> RollbackDetector:
        """Return a new rollback detector. A process has one for all of its accounts."""
        return RollbackDetector(self._scripts, accounts)

    def dispatcher(self, rules: SubmitRules, detector: RollbackDetector | None = None) -> Dispatcher:
        return Dispatcher(self._client, self._scripts, self.durability, rules, detector)

    def failures(self, account: str) -> Failures:
        return Failures(self._client, self._scripts, account)

    def doubts(self, account: str, *, since: datetime | None = None, until: datetime | None = None) -> list[Doubt]:
        """Return the account's batches whose doubt began in that period, the oldest doubt first."""
        return read_doubts(self._client, self.reading, account, since=since, until=until, now=self.due_indexes.now())

    def note_funds(self, account: str, available: Decimal, currency: str, queued_cost: Decimal) -> None:
        """Record the account's funds, and the cost of its queue."""
        self._scripts.run("note_funds", account, f"{available:f}", currency, f"{queued_cost:f}")

    def stop_list(self, account_name: str) -> StopListProgress:
        return StopListProgress(self._client, self._scripts, account_name)

    def gate(self, account: str) -> Gate:
        return Gate(self._client, self._scripts, account)
