"""Format numbers, times and durations for the pages."""

from __future__ import annotations

from datetime import UTC, datetime

from bsg_ledger.waiting import Wait
from bsg_ledger.waiting_texts import describe


def number(value: int | None) -> str:
    """Return a count with its thousands separated by no-break spaces; a dash for an unknown one."""
    return "–" if value is None else f"{value:,}".replace(",", "\u00a0")


def format_time(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def waits_for(wait: Wait | None) -> str:
    """Return what a campaign waits for, and until when if that is known; a dash if it waits for nothing."""
    if wait is None:
        return "–"
    until = f", until {format_time(wait.until)}" if wait.until is not None else ""
    return f"{describe(wait, format_time).waits_for}{until}"


def duration(seconds: float) -> str:
    """Return a duration in its two largest units, such as "2 h 5 min"."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def seconds(value: float | None) -> str:
    """Return a short duration, with milliseconds below ten seconds; a dash for an unknown one."""
    if value is None:
        return "–"
    return f"{value:.3f} s" if value < 10 else duration(value)


def rate(messages_a_second: float | None) -> str:
    return "–" if messages_a_second is None else f"{messages_a_second:,.1f}/s".replace(",", "\u00a0")
