"""Carry outgoing rows over: send each exactly once, and record what became of it.

A row's idempotency key makes the repetition after a crash harmless while the ledger knows the key. Therefore the first
attempt is on disk before it is made: a row whose attempt is older than that is sent again only by an operator.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import transaction
from django.utils import timezone

from bsg_campaigns_django.configuration import settings
from bsg_campaigns_django.models import KEY_PREFIX, Message, Outgoing, OutgoingState
from bsg_campaigns_django.outgoing_content import Content, start_in_future
from bsg_campaigns_django.recording import ACCEPTED, add_campaigns, read_summaries
from bsg_config import clock
from bsg_messages.body_cipher import BodyCipher, DecryptionError
from bsg_messages.errors import CampaignInvalid
from bsg_messages.reference_ids import campaign_and_index
from bsg_producer import IdempotencyConflict, MessageInvalid, MessageNotFound, Producer, Stream

ROWS_AT_ONCE = 500
FORGOTTEN = "it may have been sent: the ledger has forgotten its key since the first attempt"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row. `campaign_id` and `message_id` are those of what was accepted."""

    row: Outgoing
    state: OutgoingState
    campaign_id: str = ""
    message_id: str = ""
    error: str = ""


def carry_outgoing(producer: Producer, using: str) -> int:
    """Carry over rows that wait, the oldest first. Return how many wait no longer.

    Raise QueueUnavailable, QueueNotDurable or EnqueueUnconfirmed: the rows that have no outcome then are tried again.
    """
    rows = list(Outgoing.objects.using(using).filter(state=OutgoingState.WAITING).order_by("pk")[:ROWS_AT_ONCE])
    if not rows:
        return 0
    attempted = Outgoing.objects.using(using).filter(pk__in=[row.pk for row in rows], attempted_at=None)
    attempted.update(attempted_at=timezone.now())  # guard: attempt-before-sending
    outcomes: list[Outcome] = []
    try:
        for outcome in _send(producer, rows):
            outcomes.append(outcome)
    finally:  # those before the one that Redis did not take
        record(producer, outcomes, using)
    return len(outcomes)


def record(producer: Producer, outcomes: Sequence[Outcome], using: str) -> None:
    """Record what became of the rows, with a message for each that a stream has accepted."""
    summaries = read_summaries(producer, {outcome.campaign_id for outcome in outcomes if outcome.campaign_id})
    messages = [message for outcome in outcomes if (message := _message(outcome)) is not None]
    with transaction.atomic(using=using):
        for outcome in outcomes:
            _record(outcome, using)
        add_campaigns(summaries, using)
        Message.objects.using(using).bulk_create(
            [message for message in messages if message.campaign_id in summaries], ignore_conflicts=True
        )


def _record(outcome: Outcome, using: str) -> None:
    values: dict[str, Any] = {
        "state": outcome.state,
        "campaign_id": outcome.campaign_id,
        "message_id": outcome.message_id,
        "error": outcome.error,
    }
    if outcome.state is OutgoingState.CARRIED:
        values["carried_at"] = timezone.now()
    if outcome.state in (OutgoingState.CARRIED, OutgoingState.EXPIRED):
        values["content"] = b""  # phones and texts are not kept for longer than they are needed
    Outgoing.objects.using(using).filter(pk=outcome.row.pk, state=OutgoingState.WAITING).update(**values)


def _message(outcome: Outcome) -> Message | None:
    found = campaign_and_index(outcome.message_id) if outcome.message_id else None
    if found is None:
        return None
    campaign_id, index = found
    return Message(message_id=outcome.message_id, campaign_id=campaign_id, index=index, state=ACCEPTED)


def _send(producer: Producer, rows: Iterable[Outgoing]) -> Iterator[Outcome]:
    cipher = BodyCipher(settings().body_key)
    readable: list[tuple[Outgoing, Content]] = []
    for row in rows:
        try:
            readable.append((row, Content.from_bytes(row.content, cipher)))
        except DecryptionError as error:
            yield Outcome(row, OutgoingState.REFUSED, error=str(error))
    # Rows of one stream with the same options are sent together.
    for (stream, options), grouped in groupby(readable, key=lambda one: (one[0].stream, one[1].options)):
        group = list(grouped)
        try:
            if stream:
                yield from _send_messages(producer.stream(stream, **options), options, group)
            else:
                yield from (_enqueue(producer, row, content) for row, content in group)
        except CampaignInvalid as error:  # an option of the stream
            yield from (_refused(row, error) for row, _ in group)


def _enqueue(producer: Producer, row: Outgoing, content: Content) -> Outcome:
    if _was_forgotten(row, settings().ledger_retention):  # guard: forgotten-campaign-asks-operator
        return Outcome(row, OutgoingState.IN_DOUBT, error=FORGOTTEN)
    options = start_in_future(content.options, clock.now())
    try:
        # guard: campaign-has-key-of-row
        receipt = producer.enqueue(content.messages, idempotency_key=row.key, **options)
    except CampaignInvalid as error:
        return _refused(row, error)
    except IdempotencyConflict as error:
        return _accepted_before(row, error)
    return Outcome(row, OutgoingState.CARRIED, receipt.campaign_id)


def _send_messages(
    stream: Stream, options: Mapping[str, Any], rows: Iterable[tuple[Outgoing, Content]]
) -> Iterator[Outcome]:
    left: deque[tuple[Outgoing, Content]] = deque()
    for row, content in rows:
        outcome = _too_late(stream, options, row)
        if outcome is None:
            left.append((row, content))
        else:
            yield outcome
    while left:
        try:
            messages = [(content.messages[0], row.key) for row, content in left]  # guard: message-has-key-of-row
            for receipt in stream.send_many(messages):
                yield _carried(left.popleft()[0], receipt.message_id)
        except MessageInvalid as error:
            yield Outcome(left.popleft()[0], OutgoingState.REFUSED, error=str(error))
        except IdempotencyConflict as error:
            yield _accepted_before(left.popleft()[0], error)


def _too_late(stream: Stream, options: Mapping[str, Any], row: Outgoing) -> Outcome | None:
    """Return what becomes of a message whose deadline has passed, or whose key the stream may have forgotten."""
    lifetime = options.get("deadline")
    expired = _is_over(row.created_at, settings().campaign_deadline if lifetime is None else lifetime)
    forgotten = _was_forgotten(row, settings().stream_key_retention)
    if not expired and not forgotten:
        return None
    if row.attempted_at is not None:  # guard: late-message-looked-up
        try:
            return _carried(row, stream.message(idempotency_key=row.key).message_id)
        except MessageNotFound:
            pass
    if forgotten:  # guard: forgotten-message-asks-operator
        return Outcome(row, OutgoingState.IN_DOUBT, error=FORGOTTEN)
    return Outcome(row, OutgoingState.EXPIRED)


def _was_forgotten(row: Outgoing, retention: float) -> bool:
    """Return whether an attempt may have been accepted whose key nobody knows any more."""
    return row.attempted_at is not None and _is_over(row.attempted_at, retention)


def _is_over(since: datetime, seconds: float) -> bool:
    return (timezone.now() - since).total_seconds() >= seconds


def _carried(row: Outgoing, message_id: str) -> Outcome:
    campaign_id, _ = campaign_and_index(message_id) or ("", 0)
    return Outcome(row, OutgoingState.CARRIED, campaign_id, message_id)


def _refused(row: Outgoing, error: CampaignInvalid) -> Outcome:
    """An earlier attempt may have been accepted before the options became invalid, as a deadline does."""
    if row.attempted_at is not None:  # guard: refused-after-attempt-is-in-doubt
        return Outcome(row, OutgoingState.IN_DOUBT, error=str(error))
    return Outcome(row, OutgoingState.REFUSED, error=str(error))


def _accepted_before(row: Outgoing, error: IdempotencyConflict) -> Outcome:
    """Only this row has its key, unless the key is yours. Another version of this library may write it otherwise."""
    if row.key.startswith(KEY_PREFIX):
        return Outcome(row, OutgoingState.CARRIED, error.campaign_id, error.message_id or "")
    return Outcome(row, OutgoingState.REFUSED, error=str(error))
