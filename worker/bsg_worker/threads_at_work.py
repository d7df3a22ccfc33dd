"""How many threads of a process work for one account at once."""

from __future__ import annotations

import threading


class ThreadsAtWork:
    """No more than `most`: more would wait for each other, and be missed by other accounts."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._at_work = 0
        self._lock = threading.Lock()

    def join(self) -> bool:
        """Count the calling thread in. Return False if there are enough: it is not counted."""
        with self._lock:
            joins = self._at_work < self._most
            self._at_work += joins
            return joins

    def leave(self) -> None:
        """Count a thread that had joined out."""
        with self._lock:
            self._at_work -= 1

    @property
    def enough(self) -> bool:
        """Return whether another thread would be turned away."""
        return self._at_work >= self._most
