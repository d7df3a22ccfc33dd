"""The clocks. Only this module reads the time, so that tests can move it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the wall clock's time, with its zone. Use it for people and callers' times, never for order or leases."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return the monotonic clock's seconds. They are comparable only within this process."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    time.sleep(seconds)
