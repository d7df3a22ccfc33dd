"""Metrics by OpenTelemetry, in processes that use it. In others, nothing here does or imports anything.

Workers count for Prometheus in Redis as well (`bsg_ledger.measurements`).
"""

from __future__ import annotations

import sys


def count_accepted(account: str, messages: int) -> None:
    """Count messages that the producer has accepted."""
    if is_metering():
        from bsg_config import recorded_metrics

        recorded_metrics.count_accepted(account, messages)


def record_request(account: str, outcome: str, *, seconds: float, slot_wait_seconds: float) -> None:
    """Record one request to create a campaign at BSG: how long it took, and how long it waited for its slot."""
    if is_metering():
        from bsg_config import recorded_metrics

        recorded_metrics.record_request(account, outcome, seconds=seconds, slot_wait_seconds=slot_wait_seconds)


def is_metering() -> bool:
    """Return whether this process uses OpenTelemetry's metrics: whoever sets them up has imported the API."""
    return "opentelemetry.metrics" in sys.modules
