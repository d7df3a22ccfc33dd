"""What became of one message of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bsg_ledger.batch_id import BatchId
from bsg_ledger.ledger import Ledger
from bsg_messages.reference_ids import campaign_and_index
from bsg_messages.rejects import Reject
from bsg_producer.errors import MessageNotFound
from bsg_producer.reporting import MessageReport


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """`state` is "rejected", or its batch's state. `reject` says why it is not sent. Times are by Redis's clock.

    `bsg_campaign_id` is the campaign that carries it at BSG, once BSG has taken it. `report` is BSG's own record of it,
    if `report=True` asked for that and BSG has one.

    >>> receipt = producer.stream("codes", sender="MyShop").send({"phone": 380661231231, "text": "Your code is 1234"})
    >>> producer.message(receipt.message_id).state
    'pending'
    """

    message_id: str
    campaign_id: str
    state: str
    batch: BatchId
    bsg_campaign_id: int | None = None
    bsg_status: str | None = None
    submitted_at: datetime | None = None
    finished_at: datetime | None = None
    reject: Reject | None = None
    report: MessageReport | None = None


def read_message(ledger: Ledger, message_id: str) -> MessageStatus:
    """Return the message's status. Raise MessageNotFound."""
    found = campaign_and_index(message_id) if isinstance(message_id, str) else None
    batch_id = None if found is None else ledger.streams.batch_of(*found)
    if found is None or batch_id is None:
        raise MessageNotFound(message_id)
    campaign_id, index = found
    rejected = ledger.reading.reject_at(campaign_id, index)
    if rejected is not None:
        return MessageStatus(message_id, campaign_id, "rejected", batch_id, reject=Reject.from_json(rejected))
    batch = ledger.reading.batch(batch_id)
    return MessageStatus(
        message_id,
        campaign_id,
        batch.state.value,
        batch_id,
        bsg_campaign_id=batch.bsg_campaign_id,
        bsg_status=batch.bsg_status,
        submitted_at=batch.submitted_at,
        finished_at=batch.finished_at,
    )
