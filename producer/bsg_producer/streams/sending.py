"""Send messages of a stream: check each, commit them, and return their receipts."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

from bsg_config import clock
from bsg_config.meters import count_accepted
from bsg_config.tracing import sampled_traceparent, span
from bsg_ledger.ledger import Ledger
from bsg_ledger.streams import MESSAGES_A_CALL, AcceptedMessage, StreamMessage, StreamRules
from bsg_messages.body_cipher import BodyCipher
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.collected import row_to_collect, with_suffix
from bsg_messages.one_message import check_one
from bsg_messages.preparation import SUPPRESSED
from bsg_messages.reference_ids import new_attempt, stream_message_id, suffix_of
from bsg_messages.rejects import RejectCode, Violation
from bsg_producer.enqueueing import checked_key
from bsg_producer.errors import EnqueueUnconfirmed, IdempotencyConflict, MessageInvalid
from bsg_producer.streams.committing import Unconfirmed, commit
from bsg_producer.streams.grouping import GroupCommit
from bsg_producer.typed_messages import MessageLike, as_mapping

GATHER_SECONDS = 0.1  # how long `send_many` gathers messages for a commit, so that a slow iterable holds none back
_DIGEST_BYTES = 12  # collisions of 96 bits are not met, and each byte is stored with each message
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


@dataclass(frozen=True, slots=True)
class _Checked:
    """A message that breaks no rule, and its idempotency key."""

    key: str
    message: StreamMessage


class Sending:
    """Sends the messages of one stream."""

    def __init__(self, ledger: Ledger, rules: StreamRules, options: CampaignOptions, cipher: BodyCipher) -> None:
        self._ledger = ledger
        self._rules = rules
        self._options = options
        self._cipher = cipher
        self._group_commit = GroupCommit(partial(commit, ledger, rules))

    def check(self, message: MessageLike) -> None:
        """Raise MessageInvalid."""
        self._check(message, None)

    def send(self, message: MessageLike, idempotency_key: str | None) -> MessageReceipt:
        """Accept a message. Nothing is accepted if this raises anything but `EnqueueUnconfirmed`."""
        with span("bsg.send", "PRODUCER", stream=self._rules.stream) as current:
            checked = self._check(message, idempotency_key)
            try:
                result = self._group_commit(checked.message)
            except Unconfirmed:
                raise EnqueueUnconfirmed(checked.key) from None
            receipt = self._receipt(checked, result)
            current.note(message=receipt.message_id, duplicate=receipt.duplicate)
            return receipt

    def send_many(self, messages: Iterable[tuple[MessageLike, str | None]]) -> Iterator[MessageReceipt]:
        """Accept messages in their order, many in a commit. Those before one that is not accepted are accepted."""
        rows = iter(messages)
        while True:
            gathered: list[_Checked] = []
            try:
                self._gather(rows, gathered)
            except Exception:  # a bad message, or whatever the iterable raises
                yield from self._accept(gathered)  # guard: those-before-bad-are-accepted
                raise
            if not gathered:
                return
            yield from self._accept(gathered)

    def _gather(self, rows: Iterator[tuple[MessageLike, str | None]], gathered: list[_Checked]) -> None:
        until = clock.monotonic() + GATHER_SECONDS
        for message, idempotency_key in rows:
            gathered.append(self._check(message, idempotency_key))
            # guard: slow-iterable-holds-nothing-back
            if len(gathered) == MESSAGES_A_CALL or clock.monotonic() >= until:
                return

    def _accept(self, checked: list[_Checked]) -> Iterator[MessageReceipt]:
        while checked:
            try:
                # guard: none-behind-refused
                results = commit(self._ledger, self._rules, [one.message for one in checked], in_order=True)
            except Unconfirmed:
                raise EnqueueUnconfirmed(*(one.key for one in checked)) from None
            yield from map(self._receipt, checked, results)
            checked = checked[len(results) :]

    def _check(self, message: MessageLike, idempotency_key: str | None) -> _Checked:
        """Raise MessageInvalid, and CampaignInvalid for a bad key."""
        key = checked_key(idempotency_key)
        try:
            checked = check_one(as_mapping(message), self._options)
        except Violation as violation:
            raise _invalid(violation) from None
        row = row_to_collect(checked, transliterate=self._options.transliterate)
        attempt = new_attempt()
        return _Checked(
            key,
            StreamMessage(
                key=digest(key.encode()),
                content=digest(row),
                attempt=attempt,
                phone=checked.phone,
                reference_id=checked.reference_id or "",
                row=self._cipher.encrypt(with_suffix(row, suffix_of(attempt), sampled_traceparent())),
            ),
        )

    def _receipt(self, checked: _Checked, result: AcceptedMessage) -> MessageReceipt:
        """Raise MessageInvalid or IdempotencyConflict for a message that was refused."""
        match result.kind:
            case "suppressed":
                raise _invalid(SUPPRESSED)
            case "reference_id":
                raise _invalid(_SAME_REFERENCE_ID)
            case "conflict":
                raise IdempotencyConflict(checked.key, result.campaign_id, _message_id(result))
            case "accepted":
                count_accepted(self._rules.account_name, 1)
        return MessageReceipt(_message_id(result), duplicate=result.kind == "duplicate")


def _message_id(accepted: AcceptedMessage) -> str:
    return stream_message_id(accepted.campaign_id, accepted.index, suffix_of(accepted.attempt))


def digest(content: bytes) -> str:
    """Return the digest by which the ledger knows a key, or the content of a message."""
    return urlsafe_b64encode(blake2b(content, digest_size=_DIGEST_BYTES).digest()).decode().rstrip("=")


def _invalid(violation: Violation) -> MessageInvalid:
    return MessageInvalid(violation.field, violation.code, violation.message)
