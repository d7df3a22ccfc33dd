"""The sandbox's clock, and BSG's format of times."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime, timedelta, timezone

_BSG_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_FORMAT = "%Y-%m-%d %H:%M:%S"
_LAST_MOMENT = datetime(9000, 1, 1, tzinfo=UTC).timestamp()  # a year that has four digits in any zone


class Clock:
    """The real clock plus the seconds that `advance` has added, in seconds since 1970 (UTC)."""

    def __init__(self) -> None:
        self.started_at = time.time()
        self._advanced = 0.0
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Show the real time again."""
        with self._lock:
            self._advanced = 0.0

    def now(self) -> float:
        """Return the sandbox's time."""
        return time.time() + self._advanced

    def advance(self, seconds: float) -> float:
        """Move the clock forward by this many seconds. Return its new time.

        Raise ValueError for a negative number, as campaigns never go back to an earlier status, and after the year
        9000.
        """
        if not seconds >= 0:
            raise ValueError("the clock of the sandbox only goes forward")
        with self._lock:
            if not self.now() + seconds <= _LAST_MOMENT:
                raise ValueError("the clock of the sandbox ends with the year 9000")
            self._advanced += seconds
        return self.now()


def format_bsg_time(at: float, offset_hours: float) -> str:
    """Return a time as `yyyy-mm-dd hh:mm:ss` in a zone that is `offset_hours` east of UTC."""
    zone = timezone(timedelta(hours=offset_hours))
    return datetime.fromtimestamp(at, UTC).astimezone(zone).strftime(_FORMAT)


def parse_bsg_time(written: object, offset_hours: float) -> float:
    """Return the seconds since 1970 of a `yyyy-mm-dd hh:mm:ss`. Raise ValueError for anything else."""
    if not isinstance(written, str) or not _BSG_TIME.fullmatch(written):
        raise ValueError("not yyyy-mm-dd hh:mm:ss")
    zone = timezone(timedelta(hours=offset_hours))
    return datetime.strptime(written, _FORMAT).replace(tzinfo=zone).timestamp()
