"""What one process has missed at BSG: absence is weak evidence, and only one clock can age it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

MOST_BATCHES = 100_000  # forgetting some only makes them wait for another first look


@dataclass(frozen=True, slots=True)
class FirstLook:
    finding: int
    ended: float


class Evidence:
    """The first look that missed something, by subject and by this process's monotonic clock."""

    def __init__(self) -> None:
        self._looks: dict[str, FirstLook] = {}
        self._lock = threading.Lock()

    def stands(self, subject: str, *, finding: int, began: float, ended: float, confirm_within: float) -> bool:
        """Notes a look; True if it began at least `confirm_within` seconds after one with the same finding had ended.

        A look takes as long as its requests: what both have read has to be that far apart.
        The finding of a doubt is its attempts: a look before a later attempt says nothing about that one.
        """
        with self._lock:
            first = self._looks.get(subject)
            if first is None or first.finding != finding:  # guard: look-before-attempt
                if len(self._looks) >= MOST_BATCHES:
                    self._looks.clear()
                self._looks[subject] = FirstLook(finding, ended)  # guard: confirmation-ages-from-first-look
                return False  # guard: one-look-is-no-proof
            return began - first.ended >= confirm_within  # guard: confirmation-ages

    def forget(self, subject: str) -> None:
        with self._lock:
            self._looks.pop(subject, None)  # guard: trace-clears-looks
