"""One round at a time in each process: a BSG that does not answer must not take every thread of a status worker."""

from __future__ import annotations

import threading
from collections.abc import Callable


def one_at_a_time(round_: threading.Lock, verb: Callable[[], str]) -> str:
    """What the verb answers; not done while another thread is at it."""
    if not round_.acquire(blocking=False):  # guard: threads-left-for-sweep
        return "another round is under way"
    try:
        return verb()
    finally:
        round_.release()
