"""Find a message of a stream by its idempotency key, or by the caller's reference id."""

from __future__ import annotations

from bsg_ledger.ledger import Ledger
from bsg_messages import rules
from bsg_messages.errors import CampaignInvalid
from bsg_messages.rejects import Violation
from bsg_producer.enqueueing import checked_key
from bsg_producer.errors import MessageNotFound
from bsg_producer.streams.sending import digest

_RETENTION = "STREAM_KEY_RETENTION"


def find_message(ledger: Ledger, stream: str, idempotency_key: str | None, reference_id: str | None) -> str:
    """Return the id of the message. Raise MessageNotFound, and CampaignInvalid unless exactly one name is given."""
    if (idempotency_key is None) == (reference_id is None):
        raise CampaignInvalid({"idempotency_key": ["Give either an idempotency key or a reference id."]})
    if reference_id is None:
        name = checked_key(idempotency_key)
        found = ledger.streams.message_with_key(stream, digest(name.encode()))
    else:
        name = str(reference_id)
        try:
            found = ledger.streams.message_with_reference_id(stream, rules.reference_id(reference_id))
        except Violation:
            found = None
    if found is None:
        raise MessageNotFound(name, _RETENTION)
    return found
