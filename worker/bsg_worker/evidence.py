"""What one process has seen of a batch in doubt: absence is weak evidence, and only one clock can age it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

MOST_BATCHES = 100_000  # forgetting some only makes them wait for another first look


@dataclass(frozen=True, slots=True)
class FirstLook:
    attempts: int
    at: float


class Evidence:
    """The first fruitless look at each batch, by this process's monotonic clock."""

    def __init__(self) -> None:
        self._looks: dict[str, FirstLook] = {}
        self._lock = threading.Lock()

    def no_trace(self, batch_id: str, *, attempts: int, now: float, confirm_within: float) -> bool:
        """Notes a fruitless look; True if an earlier one is at least `confirm_within` seconds older.

        A look before a later attempt says nothing about that one.
        """
        with self._lock:
            first = self._looks.get(batch_id)
            if first is None or first.attempts != attempts:
                if len(self._looks) >= MOST_BATCHES:
                    self._looks.clear()
                self._looks[batch_id] = FirstLook(attempts, now)
                return False
            return now - first.at >= confirm_within

    def forget(self, batch_id: str) -> None:
        with self._lock:
            self._looks.pop(batch_id, None)
