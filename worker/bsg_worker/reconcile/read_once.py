"""Read each of BSG's lists once for all look-ups of a pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from random import SystemRandom
from typing import Any, TypeVar

from bsg_client.responses import CampaignDetail, CampaignResponse, MessageRow
from bsg_worker.reconcile.lookup import Reads
from bsg_worker.reconcile.spans import listed_between

T = TypeVar("T")


class ReadOnce:
    """A cache of `reads`. Threads may share it.

    `since` is the earliest time of all look-ups. `by_reference` has the reference ids that are known already.
    """

    def __init__(
        self,
        reads: Reads,
        since: datetime,
        until: datetime,
        by_reference: Mapping[str, Sequence[MessageRow]] | None = None,
    ) -> None:
        self._reads = reads
        self._by_reference = by_reference or {}
        self._since, self._until = since, until
        self._known: dict[Any, Any] = {}
        self._reading: dict[Any, threading.Lock] = {}
        self._lock = threading.Lock()

    def campaign(self, bsg_id: int) -> CampaignDetail:
        return self._once(("campaign", bsg_id), lambda: self._reads.campaign(bsg_id))

    def campaigns(self, since: datetime, until: datetime) -> Iterable[CampaignResponse]:
        listed = list(self._all_campaigns().values())
        # Shuffled, so that concurrent threads read different rows first, and find each other's results.
        return SystemRandom().sample(listed, len(listed))

    def listed(self, bsg_id: int) -> CampaignResponse | None:
        """Return a campaign from BSG's list."""
        return self._all_campaigns().get(bsg_id)

    def _all_campaigns(self) -> Mapping[int, CampaignResponse]:
        def read() -> dict[int, CampaignResponse]:
            return {response.id: response for response in listed_between(self._reads, self._since, self._until)}

        return self._once("list", read)

    def messages(self, campaign_id: int | None = None, reference_id: str | None = None) -> Iterable[MessageRow]:
        if campaign_id is None and reference_id is not None and reference_id in self._by_reference:
            return self._by_reference[reference_id]
        if campaign_id is None or reference_id is not None:  # guard: each-id-requested
            return self._reads.messages(campaign_id=campaign_id, reference_id=reference_id)
        return self._once(("messages", campaign_id), lambda: self._all_messages(campaign_id))

    def _all_messages(self, campaign_id: int) -> Sequence[MessageRow]:
        return list(self._reads.messages(campaign_id=campaign_id))

    def _once(self, what: Any, read: Callable[[], T]) -> T:
        with self._lock:
            reading = self._reading.setdefault(what, threading.Lock())
        with reading:
            if what not in self._known:
                self._known[what] = read()
            known: T = self._known[what]
            return known


class FromLists:
    """Take a campaign from BSG's list if its messages have been counted, instead of requesting its details.

    This is for found batches, never for missing ones: those need BSG's own total to be compared with its list.
    """

    def __init__(self, reads: ReadOnce, totals: Mapping[int, int]) -> None:
        self._reads, self._totals = reads, totals
        self.campaigns, self.messages = reads.campaigns, reads.messages

    def campaign(self, bsg_id: int) -> CampaignDetail:
        listed = self._reads.listed(bsg_id) if bsg_id in self._totals else None
        if listed is None:
            return self._reads.campaign(bsg_id)
        return CampaignDetail(
            **{name: getattr(listed, name) for name in CampaignResponse.__slots__},
            total_messages=self._totals[bsg_id],
            started_at=None,
            finished_at=None,
        )
