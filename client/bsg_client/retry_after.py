"""The Retry-After header: seconds, or a date (RFC 9110, 10.2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait, 0 at least; None if the header is missing or invalid.

    A date counts from the response's own Date header, so that a difference between the two clocks cancels out. Without
    a Date header it is ignored, because a clock of ours that is minutes slow would stop all workers for minutes.
    Names in `headers` are case-insensitive.
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
