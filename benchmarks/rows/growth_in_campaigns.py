from __future__ import annotations

from benchmarks import growth

SIZES = (1, 100, 10_000)
MESSAGES_OF_EACH = 10

ROW = growth.row(
    "growth in campaigns",
    "campaigns",
    SIZES,
    lambda measurement, size: growth.sent(measurement, campaigns=size, size=MESSAGES_OF_EACH),
    note=f"Campaigns of {MESSAGES_OF_EACH} messages, enqueued one after the other, without latency.",
)
