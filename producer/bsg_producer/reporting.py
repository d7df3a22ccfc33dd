"""What BSG says of each message, for callers of the producer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MessageReport:
    """A message as BSG has it now.

    `index`: its index in what was enqueued, from 0; None where the campaign's messages are forgotten and it had a
    reference id of its own. `status` is BSG's word: scheduled, moderation, accepted, sending, sent, delivered, read,
    expired, failed, undelivered, unknown. `price` is in `currency`.
    """

    index: int | None
    phone: str = field(repr=False)
    reference_id: str
    status: str
    price: str | None
    currency: str | None
    sent_at: datetime | None
    delivered_at: datetime | None
