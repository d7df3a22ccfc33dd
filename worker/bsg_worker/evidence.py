"""What one process has missed at BSG: absence is weak evidence, and only one clock can age it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

MOST_BATCHES = 100_000  # forgetting some only makes them wait for another first look


@dataclass(frozen=True, slots=True)
class FirstLook:
    finding: int
    at: float


class Evidence:
    """The first look that missed something, by subject and by this process's monotonic clock."""

    def __init__(self) -> None:
        self._looks: dict[str, FirstLook] = {}
        self._lock = threading.Lock()

    def stands(self, subject: str, *, finding: int, now: float, confirm_within: float) -> bool:
        """Notes a look; True if one with the same finding is at least `confirm_within` seconds older.

        The finding of a doubt is its attempts: a look before a later attempt says nothing about that one.
        """
        with self._lock:
            first = self._looks.get(subject)
            if first is None or first.finding != finding:
                if len(self._looks) >= MOST_BATCHES:
                    self._looks.clear()
                self._looks[subject] = FirstLook(finding, now)
                return False
            return now - first.at >= confirm_within

    def forget(self, subject: str) -> None:
        with self._lock:
            self._looks.pop(subject, None)
