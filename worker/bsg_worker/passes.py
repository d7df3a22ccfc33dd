"""Run one pass at a time in each process, so that an unresponsive BSG does not block all threads of a status worker."""

from __future__ import annotations

import threading
from collections.abc import Callable


def one_at_a_time(lock: threading.Lock, verb: Callable[[], str]) -> str:
    """Call the verb and return its outcome, unless another thread is running it."""
    if not lock.acquire(blocking=False):  # guard: threads-left-for-sweep
        return "another pass is running"
    try:
        return verb()
    finally:
        lock.release()
