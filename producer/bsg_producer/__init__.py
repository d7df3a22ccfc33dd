"""What web apps use to enqueue SMS campaigns."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from bsg_ledger.delivery_reports import DeliveryReport
from bsg_ledger.doubts import Doubt
from bsg_ledger.gate import GateState
from bsg_ledger.records import Batch, CampaignStatus, CampaignSummary, MessageRange, Transition
from bsg_ledger.stream_listing import ListedStream
from bsg_ledger.suppressions import Suppression
from bsg_messages.errors import BSGCampaignsError, CampaignInvalid
from bsg_messages.priority import Priority
from bsg_messages.rejects import Reject
from bsg_producer.enqueueing import Receipt
from bsg_producer.errors import (
    CampaignNotFound,
    CampaignUnreadable,
    EnqueueUnconfirmed,
    FeedGap,
    FileInvalid,
    IdempotencyConflict,
    MessageInvalid,
    MessageNotFound,
    QueueNotDurable,
    QueueUnavailable,
    ReportUnavailable,
)
from bsg_producer.producer import Producer
from bsg_producer.reporting import MessageReport
from bsg_producer.resolution import Resolved
from bsg_producer.streams.message_status import MessageStatus
from bsg_producer.streams.sending import MessageReceipt
from bsg_producer.streams.stream import Stream
from bsg_producer.streams.stream_status import StreamStatus
from bsg_producer.typed_messages import Message

if TYPE_CHECKING:
    from bsg_producer.async_producer import AsyncProducer
    from bsg_producer.preview import Preview
    from bsg_producer.streams.async_stream import AsyncStream
else:
    # Type checkers do not see this function: with it, they accept any name.
    def __getattr__(name: str) -> object:
        if name not in _IMPORTED_ON_USE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_IMPORTED_ON_USE[name]), name)


# Most apps need neither these nor what they import. Name them above for type checkers too.
_IMPORTED_ON_USE = {
    "AsyncProducer": "bsg_producer.async_producer",
    "AsyncStream": "bsg_producer.async_producer",
    "Preview": "bsg_producer.preview",
}

__all__ = [
    "AsyncProducer",
    "AsyncStream",
    "BSGCampaignsError",
    "Batch",
    "CampaignInvalid",
    "CampaignNotFound",
    "CampaignStatus",
    "CampaignSummary",
    "CampaignUnreadable",
    "DeliveryReport",
    "Doubt",
    "EnqueueUnconfirmed",
    "FeedGap",
    "FileInvalid",
    "GateState",
    "IdempotencyConflict",
    "ListedStream",
    "Message",
    "MessageInvalid",
    "MessageNotFound",
    "MessageRange",
    "MessageReceipt",
    "MessageReport",
    "MessageStatus",
    "Preview",
    "Priority",
    "Producer",
    "QueueNotDurable",
    "QueueUnavailable",
    "Receipt",
    "Reject",
    "ReportUnavailable",
    "Resolved",
    "Stream",
    "StreamStatus",
    "Suppression",
    "Transition",
]
