"""The sending rates of campaigns, from repeated reads: the ledger keeps counts, not rates."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque

WINDOW_SECONDS = 60.0
CAMPAIGNS_REMEMBERED = 1000


class Rates:
    """Messages a second over the last minute, of campaigns that somebody looks at. Safe in threads."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, deque[tuple[float, int]]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, campaign_id: str, sent: int, now: float) -> float | None:
        """Note that so many were sent by now (seconds); None until it was seen twice within the window."""
        with self._lock:
            seen = self._seen.setdefault(campaign_id, deque())
            self._seen.move_to_end(campaign_id)
            while len(self._seen) > CAMPAIGNS_REMEMBERED:
                self._seen.popitem(last=False)
            while seen and seen[0][0] < now - WINDOW_SECONDS:
                seen.popleft()
            seen.append((now, sent))
            since, before = seen[0]
            return max(0, sent - before) / (now - since) if now > since else None
