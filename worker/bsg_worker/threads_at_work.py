"""Bound the threads of a process that work for one account."""

from __future__ import annotations

import threading


class ThreadsAtWork:
    """At most `most` threads. More would wait for each other, and other accounts would lack them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._at_work = 0
        self._lock = threading.Lock()

    def join(self) -> bool:
        """Count the calling thread. Return False, and do not count it, if there are enough."""
        with self._lock:
            joins = self._at_work < self._most
            self._at_work += joins
            return joins

    def leave(self) -> None:
        """Stop counting a thread that has joined."""
        with self._lock:
            self._at_work -= 1

    @property
    def enough(self) -> bool:
        """Return whether another thread could not join."""
        return self._at_work >= self._most
