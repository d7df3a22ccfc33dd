"""Confirm what one process did not find at BSG: absence is weak evidence, and only one clock can age it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

MAX_BATCHES = 100_000  # forgetting some only makes them wait for another first look


@dataclass(frozen=True, slots=True)
class FirstLook:
    finding: int
    ended: float


class Confirmations:
    """Keeps the first look that did not find a subject, by this process's monotonic clock."""

    def __init__(self) -> None:
        self._looks: dict[str, FirstLook] = {}
        self._lock = threading.Lock()

    def confirm(self, subject: str, *, finding: int, began: float, ended: float, confirm_within: float) -> bool:
        """Note a look. Return True if it began `confirm_within` seconds or more after one with the same finding had
        ended.

        A look takes as long as its requests, so the span counts from the end of the first one.
        The finding of a doubt is its number of attempts: a look before a later attempt proves nothing about that
        attempt.
        """
        with self._lock:
            first = self._looks.get(subject)
            if first is None or first.finding != finding:  # guard: look-before-attempt
                if len(self._looks) >= MAX_BATCHES:
                    self._looks.clear()
                self._looks[subject] = FirstLook(finding, ended)  # guard: confirmation-ages-from-first-look
                return False  # guard: one-look-is-no-proof
            return began - first.ended >= confirm_within  # guard: confirmation-ages

    def forget(self, subject: str) -> None:
        with self._lock:
            self._looks.pop(subject, None)  # guard: trace-clears-looks
