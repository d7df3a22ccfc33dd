"""Convert the ledger's milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime


def to_datetime(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
