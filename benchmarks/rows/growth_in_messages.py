from __future__ import annotations

from benchmarks import growth

SIZES = (10_000, 100_000, 1_000_000)

ROW = growth.row(
    "growth in messages",
    "messages",
    SIZES,
    lambda measurement, size: growth.sent(measurement, campaigns=1, size=size),
    note="One campaign, without latency.",
)
