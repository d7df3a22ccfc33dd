"""A message's status at BSG, for callers of the producer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MessageReport:
    """A message's current status at BSG.

    `index`: its index among the enqueued messages, from 0; None if the campaign's messages are forgotten and the caller
    chose the reference id. `status` is BSG's: scheduled, moderation, accepted, sending, sent, delivered, read, expired,
    failed, undelivered, unknown. `price` is in `currency`.

    >>> row = min(producer.report(campaign_id), key=lambda row: row.index)
    >>> row.index, row.phone, row.status, row.price, row.currency
    (0, '380660000000', 'delivered', '0.0100000', 'EUR')
    """

    index: int | None
    phone: str = field(repr=False)
    reference_id: str
    status: str
    price: str | None
    currency: str | None
    sent_at: datetime | None
    delivered_at: datetime | None
