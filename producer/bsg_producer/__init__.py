"""What web apps use to enqueue SMS campaigns."""

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
)
from bsg_producer.producer import Producer
from bsg_producer.rejects import Reject

__all__ = [
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
]
