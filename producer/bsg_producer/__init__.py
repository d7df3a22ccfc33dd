"""What web apps use to enqueue SMS campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsg_producer.enqueueing import Receipt
from bsg_producer.errors import (
    BSGCampaignsError,
    CampaignInvalid,
    CampaignNotFound,
    EnqueueUnconfirmed,
    FeedGap,
    IdempotencyConflict,
    QueueNotDurable,
    QueueUnavailable,
    ReportUnavailable,
)
from bsg_producer.producer import Producer
from bsg_producer.rejects import Reject

if TYPE_CHECKING:
    from bsg_producer.async_producer import AsyncProducer

__all__ = [
    "AsyncProducer",
    "BSGCampaignsError",
    "CampaignInvalid",
    "CampaignNotFound",
    "EnqueueUnconfirmed",
    "FeedGap",
    "IdempotencyConflict",
    "Producer",
    "QueueNotDurable",
    "QueueUnavailable",
    "Receipt",
    "Reject",
    "ReportUnavailable",
]


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: it needs greenlet, and most apps neither.
    if name == "AsyncProducer":
        from bsg_producer.async_producer import AsyncProducer

        return AsyncProducer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
