"""Accept one message of a stream: check it, commit it, and wait for the disk."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from bsg_ledger.ledger import Ledger
from bsg_ledger.streams import AcceptedMessage, NewNames, StreamMessage, StreamRules
from bsg_messages.body_cipher import BodyCipher
from bsg_messages.campaign_ids import new_campaign_id
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.collected import row_to_collect
from bsg_messages.one_message import check_one
from bsg_messages.preparation import SUPPRESSED
from bsg_messages.reference_ids import generated_id
from bsg_messages.rejects import RejectCode, Violation
from bsg_producer.enqueueing import checked_key
from bsg_producer.errors import EnqueueUnconfirmed, IdempotencyConflict, MessageInvalid
from bsg_producer.queue_errors import queue_errors
from bsg_producer.typed_messages import MessageLike, as_mapping

_DIGEST_BYTES = 12  # collisions of 96 bits are not met, and each byte is stored with each message
_ATTEMPT_BYTES = 4
_REACHED_SECONDS = 1.0
_SAME_REFERENCE_ID = Violation(
    "reference_id",
    RejectCode.DUPLICATE_REFERENCE_ID,
    "another message of the stream has it: give each message one of its own, or none",
)


@dataclass(frozen=True, slots=True)
class MessageReceipt:
    """The accepted message. `duplicate`: it was accepted earlier, under the same idempotency key.

    >>> codes = producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
    >>> codes.send({"phone": 380661231231, "code": 1234}, idempotency_key="code-1").duplicate
    False
    >>> codes.send({"phone": 380661231231, "code": 1234}, idempotency_key="code-1").duplicate
    True
    """

    message_id: str
    duplicate: bool


def send(
    ledger: Ledger,
    rules: StreamRules,
    options: CampaignOptions,
    message: MessageLike,
    idempotency_key: str | None,
    *,
    cipher: BodyCipher,
) -> MessageReceipt:
    """Accept a message. Nothing is accepted if this raises anything but `EnqueueUnconfirmed`."""
    checked = _checked(message, idempotency_key, options, cipher)
    (accepted,) = _commit(ledger, rules, [checked])
    return _receipt(checked, accepted)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A message that breaks no rule, and its idempotency key."""

    key: str
    message: StreamMessage


def _checked(
    message: MessageLike, idempotency_key: str | None, options: CampaignOptions, cipher: BodyCipher
) -> _Checked:
    """Raise MessageInvalid, and CampaignInvalid for a bad key."""
    key = checked_key(idempotency_key)
    try:
        checked = check_one(as_mapping(message), options)
    except Violation as violation:
        raise _invalid(violation) from None
    row = row_to_collect(checked, transliterate=options.transliterate)
    return _Checked(
        key,
        StreamMessage(
            key=digest(key.encode()),
            content=digest(row),
            attempt=secrets.token_hex(_ATTEMPT_BYTES),
            phone=checked.phone,
            reference_id=checked.reference_id or "",
            row=cipher.encrypt(row),
        ),
    )


def _receipt(checked: _Checked, accepted: AcceptedMessage) -> MessageReceipt:
    """Raise MessageInvalid or IdempotencyConflict for a message that was refused."""
    match accepted.kind:
        case "suppressed":
            raise _invalid(SUPPRESSED)
        case "reference_id":
            raise _invalid(_SAME_REFERENCE_ID)
        case "conflict":
            raise IdempotencyConflict(checked.key, accepted.campaign_id, _message_id(accepted))
    return MessageReceipt(_message_id(accepted), duplicate=accepted.kind == "duplicate")


def _commit(ledger: Ledger, rules: StreamRules, checked: Sequence[_Checked]) -> list[AcceptedMessage]:
    """Return the results of the first of the messages, as `Streams.accept` does."""
    with queue_errors():
        ledger.durability.require()
        # If Redis is unreachable before the commit, nothing is in doubt. Asking before each message would take a fifth
        # of its time.
        ledger.reach(within=_REACHED_SECONDS)
    messages = [one.message for one in checked]
    new = NewNames(new_campaign_id(), incarnation=secrets.token_hex(16))
    try:
        with queue_errors(response_lost=_ResponseLost):
            results, on_disk = ledger.streams.accept(rules, messages, new, ledger.durability)
    except _ResponseLost:
        results, on_disk = _commit_again(ledger, rules, checked, new)  # guard: send-asked-again
    if not on_disk:  # guard: message-on-disk
        raise EnqueueUnconfirmed(checked[0].key)
    return results


def _commit_again(
    ledger: Ledger, rules: StreamRules, checked: Sequence[_Checked], new: NewNames
) -> tuple[list[AcceptedMessage], bool]:
    """Repeat a commit whose response was lost. That is safe: the same attempt is accepted once."""
    try:
        with queue_errors(response_lost=_ResponseLost):
            return ledger.streams.accept(rules, [one.message for one in checked], new, ledger.durability)
    except Exception:
        raise EnqueueUnconfirmed(checked[0].key) from None  # guard: send-unconfirmed


class _ResponseLost(Exception):
    """It is unknown whether Redis executed the commit."""


def _message_id(accepted: AcceptedMessage) -> str:
    return generated_id(accepted.campaign_id, accepted.index)


def digest(content: bytes) -> str:
    """Return the digest by which the ledger knows a key, or the content of a message."""
    return urlsafe_b64encode(blake2b(content, digest_size=_DIGEST_BYTES).digest()).decode().rstrip("=")


def _invalid(violation: Violation) -> MessageInvalid:
    return MessageInvalid(violation.field, violation.code, violation.message)
