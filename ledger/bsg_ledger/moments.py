"""The ledger's milliseconds as moments."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
