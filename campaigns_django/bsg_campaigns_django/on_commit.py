"""Send once the transaction is committed. A crash right after the commit loses it; Redis that is away does not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

from django.db import transaction
from django.utils import timezone

from bsg_campaigns_django.configuration import producer, settings
from bsg_campaigns_django.models import Outgoing, OutgoingState, new_key
from bsg_campaigns_django.outgoing_content import Content, checked_campaign, checked_message
from bsg_messages.body_cipher import BodyCipher
from bsg_producer import EnqueueUnconfirmed, IdempotencyConflict, QueueNotDurable, QueueUnavailable
from bsg_producer.campaign_arguments import EnqueueOptions
from bsg_producer.enqueueing import checked_key
from bsg_producer.typed_messages import MessageLike

_AWAY = (QueueUnavailable, QueueNotDurable, EnqueueUnconfirmed)


def enqueue_on_commit(
    messages: Iterable[MessageLike],
    *,
    idempotency_key: str | None = None,
    using: str | None = None,
    **options: Unpack[EnqueueOptions],
) -> None:
    """Enqueue a campaign as soon as the transaction is committed; without a transaction, at once.

    `messages` and `options` are as in `Producer.enqueue`. `messages` is read now and held in memory. `using` is the
    database of the transaction. If Redis does not take the campaign then, it becomes an `Outgoing` row, which the
    follower carries over. It is lost only if the process ends between the commit and that: write an `Outgoing` row in
    the transaction where that matters.

    Raise `CampaignInvalid` now, as `Outgoing.objects.add_campaign` does. After the commit, raise `IdempotencyConflict`
    if the key belongs to another campaign.

    >>> with transaction.atomic():
    ...     enqueue_on_commit([{"phone": "+380 66 123-12-31"}], sender="MyShop", text="Hello!")
    >>> [campaign.messages for campaign in producer().campaigns()]
    [1]
    """
    content = checked_campaign(settings(), messages, options)
    key = _checked(idempotency_key)

    def enqueue() -> None:
        try:
            producer().enqueue(content.messages, idempotency_key=key, **content.options)
        except _AWAY:
            _keep(key, "", content, using)

    transaction.on_commit(enqueue, using=using)


def send_on_commit(
    stream: str, message: MessageLike, *, idempotency_key: str | None = None, using: str | None = None, **options: Any
) -> None:
    """Send a message through a stream as soon as the transaction is committed; without a transaction, at once.

    `message` and `options` are as in `Stream.send` and `Producer.stream`. Everything else is as in `enqueue_on_commit`.

    Raise `MessageInvalid` or `CampaignInvalid` now. After the commit, raise `MessageInvalid` if the phone is suppressed
    then, and `IdempotencyConflict`.

    >>> with transaction.atomic():
    ...     send_on_commit("codes", {"phone": "+380 66 123-12-31", "text": "Your code is 1234"}, sender="MyShop")
    >>> producer().stream("codes").status().counts["accepted"]
    1
    """
    content = checked_message(producer(), stream, message, options)
    key = _checked(idempotency_key)

    def send() -> None:
        try:
            producer().stream(stream, **options).send(content.messages[0], idempotency_key=key)
        except _AWAY:
            _keep(key, stream, content, using)

    transaction.on_commit(send, using=using)


def _checked(idempotency_key: str | None) -> str:
    return new_key() if idempotency_key is None else checked_key(idempotency_key)


def _keep(key: str, stream: str, content: Content, using: str | None) -> None:
    """Write the row that the follower carries over. Redis may have accepted it already.

    The ledger decides about a key whose row waits no more. The row keeps its first attempt: after it, the ledger may
    have forgotten the key. Raise `IdempotencyConflict` if other content waits under the key.
    """
    cipher, now = BodyCipher(settings().body_key), timezone.now()
    kept = content.to_bytes(cipher)
    with transaction.atomic(using=using):
        row, is_new = (
            Outgoing.objects.using(using)
            .select_for_update()
            .get_or_create(stream=stream, key=key, defaults={"content": kept, "attempted_at": now})
        )
        if is_new:
            return
        if row.state == OutgoingState.WAITING:
            if _compared(row.content, cipher) != _compared(kept, cipher):  # guard: waiting-key-of-other-content
                raise IdempotencyConflict(key, "")
            return
        row.content, row.state, row.created_at, row.error = kept, OutgoingState.WAITING, now, ""
        row.save(using=using)  # guard: known-key-waits-again


def _compared(kept: bytes, cipher: BodyCipher) -> tuple[object, ...]:
    """Return the content that a key stands for, as the ledger compares it."""
    content = Content.from_bytes(kept, cipher)
    return (content.messages, *(content.options.get(name) for name in ("text", "sender", "account")))
