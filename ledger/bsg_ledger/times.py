"""Convert the ledger's milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime

BEGINNING = datetime.fromtimestamp(0, UTC)
"""Earlier than everything in the ledger."""


def to_datetime(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def to_milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
