"""Where time comes from: one module, so that tests can move it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the wall clock, with its zone. For people and for the caller's times; never for order or leases."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return the seconds that only go forward, within this process."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    time.sleep(seconds)
