"""A Celery process whose wall clock is wrong: `python -m tests.clock_skew SECONDS CELERY_ARGUMENTS…`.

The clock is moved before anything else is imported, for this process alone and for all that runs in it: the project,
Celery, kombu, logging. The monotonic clock stays as it is, as on a machine whose date is wrong.
"""

from __future__ import annotations

import datetime
import sys
import time
from typing import Any

TrueDatetime = datetime.datetime
true_time = time.time


class _AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, TrueDatetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, TrueDatetime)


def move_clock(seconds: float) -> None:
    """Move every reading of the wall clock by so much. To be called before others import `datetime.datetime`."""

    class SkewedDatetime(TrueDatetime, metaclass=_AnyDatetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return cls.fromtimestamp(time.time(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.now()

    # What pickles itself is to be read by a process with a right clock too.
    SkewedDatetime.__name__ = SkewedDatetime.__qualname__ = "datetime"
    SkewedDatetime.__module__ = "datetime"
    time.time = lambda: true_time() + seconds
    true_time_ns = time.time_ns
    time.time_ns = lambda: true_time_ns() + int(seconds * 1_000_000_000)
    datetime.datetime = SkewedDatetime  # type: ignore[misc]


def main() -> None:
    seconds = float(sys.argv[1])
    if seconds:
        move_clock(seconds)
    from celery.__main__ import main as celery

    sys.argv = ["celery", *sys.argv[2:]]
    celery()


if __name__ == "__main__":
    main()
