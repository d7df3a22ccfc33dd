"""The heads of the newest campaigns, kept by the process: what has ended is read once."""

from __future__ import annotations

import threading

from bsg_ledger.ledger import Ledger
from bsg_ledger.listing import CampaignHead

CAMPAIGNS_LISTED = 20_000


class CampaignDirectory:
    """The CAMPAIGNS_LISTED newest campaigns that are not of a stream. Safe in threads.

    Methods raise `redis.exceptions.RedisError`.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._listing = ledger.listing
        self._lock = threading.Lock()
        self._heads: dict[str, CampaignHead] = {}

    def ids(self) -> list[str]:
        """Return the ids, the newest first."""
        return self._listing.campaign_ids(CAMPAIGNS_LISTED)

    def heads(self) -> list[CampaignHead]:
        """Return the heads, the newest first. Read those that are new, open, or were open at the last read."""
        with self._lock:
            ids, open_ids = self.ids(), self._listing.open_ids()
            known = {
                name: head
                for name in ids
                if (head := self._heads.get(name)) is not None and head.summary.state.final and name not in open_ids
            }
            known |= self._listing.heads([name for name in ids if name not in known])
            self._heads = {name: known[name] for name in ids if name in known}
            return list(self._heads.values())
