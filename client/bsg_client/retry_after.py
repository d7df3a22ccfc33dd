"""The Retry-After header: seconds, or a date (RFC 9110, 10.2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the response asks to wait, 0 at least; None when it does not say, or says it unreadably.

    A date is held against the response's own Date, so that a difference between the two clocks cancels out. Without one
    it says nothing: a clock of ours that is minutes slow would stop everybody for minutes.
    `headers` finds names in either case.
    """
    value = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until, responded = _date(value), _date(headers.get("Date", ""))
    if until is None or responded is None:
        return None
    return max(0.0, (until - responded).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
