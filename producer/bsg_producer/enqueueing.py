"""Accept messages: store them in chunks, then create the campaign in one commit."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from redis.exceptions import RedisError

from bsg_broker.wakeups import wakeup
from bsg_config import clock
from bsg_ledger.campaigns import Acceptance, Accepted, WakeUp
from bsg_ledger.durability import NotDurable
from bsg_ledger.ledger import Ledger
from bsg_messages.body_cipher import BodyCipher
from bsg_messages.campaign_ids import new_campaign_id
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.columns import pack
from bsg_messages.errors import CampaignInvalid
from bsg_messages.template import Template
from bsg_producer.digest import ContentDigest
from bsg_producer.errors import EnqueueUnconfirmed, IdempotencyConflict, QueueUnavailable
from bsg_producer.queue_errors import QueueSilent, queue_errors
from bsg_producer.typed_messages import MessageLike, as_mapping

KEEP_CHUNKS_MS = 3_600_000  # how long the caller's iterable may pause between two messages
RENEW_CHUNKS_SECONDS = 600.0
MAX_KEY_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Receipt:
    """The accepted campaign. `duplicate`: it was accepted earlier, under the same idempotency key.

    >>> producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!")
    Receipt(campaign_id='...', messages=1, duplicate=False)
    """

    campaign_id: str
    messages: int
    duplicate: bool


def enqueue(
    ledger: Ledger,
    messages: Iterable[MessageLike],
    campaign_options: CampaignOptions,
    idempotency_key: str | None,
    *,
    account: str,
    cipher: BodyCipher,
) -> Receipt:
    """Store the messages chunk by chunk and commit. Nothing remains of a failure before the commit."""
    key = checked_key(idempotency_key)
    with queue_errors():
        ledger.durability.require()  # guard: durable-before-enqueue
    chunks = _ChunkStore(ledger, new_campaign_id(), campaign_options, account, cipher)
    try:
        chunks.store_all(messages)
    except QueueSilent:
        raise  # the chunks expire
    except BaseException:  # guard: failed-iterable-leaves-nothing
        chunks.drop()  # the caller's iterable may raise anything, and Ctrl-C may end it
        raise
    try:
        accepted = _commit(ledger, chunks.acceptance(key))
    except QueueSilent:
        raise
    except QueueUnavailable:
        # guard: refused-leaves-nothing
        chunks.drop()  # on any other failure, Ctrl-C included, the chunks may belong to a campaign by now
        raise
    if accepted.kind != "accepted":  # guard: duplicate-leaves-nothing
        chunks.drop()
    if accepted.kind == "conflict":  # guard: key-conflict
        raise IdempotencyConflict(key, accepted.campaign_id)
    if accepted.kind == "missing":  # guard: chunks-missing
        raise QueueUnavailable("Redis no longer has the messages that were stored a moment ago; enqueue them again")
    _wait_for_disk(ledger, key)  # guard: commit-on-disk
    return Receipt(accepted.campaign_id, accepted.messages, duplicate=accepted.kind == "duplicate")


class _ChunkStore:
    """The chunks of a campaign that does not exist yet."""

    def __init__(
        self, ledger: Ledger, campaign_id: str, campaign_options: CampaignOptions, account: str, cipher: BodyCipher
    ) -> None:
        self._ledger = ledger
        self._campaign_id = campaign_id
        self._options = campaign_options
        self._account = account
        self._cipher = cipher
        self._template = None if campaign_options.text is None else Template.parse(campaign_options.text)
        self._digest = ContentDigest(text=campaign_options.text, sender=campaign_options.sender, account=account)
        self._sizes: list[int] = []
        self._last = b""

    def store_all(self, messages: Iterable[MessageLike]) -> None:
        iterator = self._renewing(iterate(messages))
        while chunk := list(islice(iterator, self._options.batch_size)):
            packed = pack(chunk, self._template)
            self._digest.update(chunk, packed.written, packed.names)  # guard: digest-has-messages
            content = self._cipher.encrypt(packed.content)
            self._sizes.append(len(chunk))
            if (
                len(chunk) < self._options.batch_size
            ):  # the commit stores the last chunk, which saves a wait for the disk
                self._last = content
                break
            with queue_errors():
                self._ledger.campaigns.store_chunk(
                    self._campaign_id, len(self._sizes) - 1, content, keep_ms=KEEP_CHUNKS_MS
                )
        if not self._sizes:  # guard: some-messages
            raise CampaignInvalid({"messages": ["there are none: give at least one message"]})

    def acceptance(self, key: str) -> Acceptance:
        campaign_options = self._options
        return Acceptance(
            campaign_id=self._campaign_id,
            idempotency_key=key,
            digest=self._digest.hexdigest(),
            chunk_sizes=self._sizes,
            options=campaign_options.to_json(),
            priority=campaign_options.priority,
            deadline_ms=campaign_options.deadline_ms,
            name=campaign_options.name or "",
            account_name=self._account,
            incarnation=secrets.token_hex(16),
            max_cost=campaign_options.max_cost or "",
            last_chunk=self._last,
            start_at_ms=None if campaign_options.start_at is None else _milliseconds(campaign_options.start_at),
            has_hours=campaign_options.send_between is not None,
            wake_up=WakeUp(*wakeup(self._account)),
        )

    def drop(self) -> None:
        """Delete the chunks of a failed attempt. If Redis does not respond, they expire."""
        with suppress(QueueUnavailable), queue_errors():
            self._ledger.campaigns.drop_chunks(self._campaign_id)

    def _renewing(self, messages: Iterator[MessageLike]) -> Iterator[Mapping[str, Any]]:
        renew_at = clock.monotonic() + RENEW_CHUNKS_SECONDS
        for message in messages:
            if clock.monotonic() >= renew_at:
                with queue_errors():
                    # guard: chunks-renewed
                    self._ledger.campaigns.renew_chunks(self._campaign_id, keep_ms=KEEP_CHUNKS_MS)
                renew_at = clock.monotonic() + RENEW_CHUNKS_SECONDS
            # The caller may reuse the same dict for the next message.
            yield message.copy() if type(message) is dict else as_mapping(message)  # guard: message-copied


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _commit(ledger: Ledger, acceptance: Acceptance) -> Accepted:
    with queue_errors():
        # If Redis is unreachable before the commit, nothing is in doubt.
        ledger.reach()
    try:
        with queue_errors(response_lost=_ResponseLost):  # guard: lost-response-is-no-refusal
            return ledger.campaigns.accept(acceptance)
    except _ResponseLost:
        return _commit_again(ledger, acceptance)  # guard: commit-asked-again


def _commit_again(ledger: Ledger, acceptance: Acceptance) -> Accepted:
    """Repeat a commit whose response was lost. That is safe: it returns the same for the same campaign."""
    try:
        return ledger.campaigns.accept(acceptance)
    except Exception:  # whatever fails here, Redis may have executed the first commit
        raise EnqueueUnconfirmed(acceptance.idempotency_key) from None  # guard: commit-unconfirmed


def _wait_for_disk(ledger: Ledger, key: str) -> None:
    """Wait until the commit is on disk. A duplicate waits too: the first attempt's commit may not be on disk."""
    try:
        ledger.durability.wait_for_disk()
    except (NotDurable, RedisError):
        raise EnqueueUnconfirmed(key) from None


class _ResponseLost(Exception):
    """It is unknown whether Redis executed the commit."""


def checked_key(key: str | None) -> str:
    """Return the caller's idempotency key, or a new one. Raise CampaignInvalid."""
    if key is None:
        return secrets.token_hex(16)
    # guard: key-printable
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY_CHARACTERS or not key.isprintable():
        message = f"not a key: give a string of 1 to {MAX_KEY_CHARACTERS} printable characters, or none"
        raise CampaignInvalid({"idempotency_key": [message]})
    return key


def iterate(messages: Iterable[MessageLike]) -> Iterator[MessageLike]:
    """Return an iterator over the messages. Raise CampaignInvalid if they are not an iterable of messages."""
    if isinstance(messages, (str, bytes, Mapping)):
        raise CampaignInvalid({"messages": ["must be an iterable of mappings, one for each message"]})
    try:
        return iter(messages)
    except TypeError:
        raise CampaignInvalid({"messages": ["must be an iterable of mappings, one for each message"]}) from None
