"""Takes a campaign's next due batch to BSG: a permit, a slot, the intent, the POST, the record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bsg_client.outcomes import Outcome, OutcomeKind
from bsg_config import clock
from bsg_ledger.batches import STALE, BatchLease
from bsg_ledger.durability import NotDurable
from bsg_ledger.limiter import MAX_SLOT_WAIT, Later
from bsg_ledger.parts import NothingDue
from bsg_ledger.times import to_datetime
from bsg_messages.bodies import unpacked
from bsg_messages.body_cipher import DecryptionError
from bsg_messages.envelope import Envelope
from bsg_worker.doorbells import campaigns_wait, ring_submits
from bsg_worker.logs import decided
from bsg_worker.runtime import Runtime, new_token
from bsg_worker.submit.recording import record
from bsg_worker.submit.suppressed import without_suppressed

LOGGER = logging.getLogger(__name__)

AT_MOST_SECONDS = 0.5  # going on with the same campaign saves doorbells; longer would be unfair to others
PERMIT_WAIT_SECONDS = 30.0
RECORD_AGAIN_SECONDS = 0.2
UNREADABLE_DELAY = 60.0  # its batches wait for an operator to mend that (somebody else wrote, BODY_KEY), and expire
LATEST_SECONDS = 1.0  # a request that is later than that after its slot meets those of the slots that came meanwhile

NOTHING_LEFT = Outcome(OutcomeKind.NOT_TAKEN, "Redis did not keep the intent", bsg_asked=False)
SLOT_MISSED = Outcome(OutcomeKind.NOT_TAKEN, "missed its slot of the rate limit", bsg_asked=False)


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one batch. `again_in`: seconds until the campaign may have more to send, None: nobody knows."""

    outcome: str
    again_in: float | None = 0.0
    ends: bool = False


@dataclass(frozen=True, slots=True)
class _Answered:
    """What BSG said, and when the intent was written, on this process's monotonic clock; the rest in seconds."""

    outcome: Outcome
    intended_at: float
    slot_wait: float
    took: float


@dataclass(frozen=True, slots=True)
class _Ready:
    """The request may leave: the intent is on disk. `intended_at` is on this process's monotonic clock."""

    fields: Mapping[str, Any]
    intended_at: float
    slot_wait: float


def submit_batches(runtime: Runtime, campaign_id: str, bell: str) -> str:
    """Send the campaign's due batches one after the other, for a bounded time; return what came of them."""
    stop_at = clock.monotonic() + AT_MOST_SECONDS
    outcomes: list[str] = []
    while True:
        step = submit_next(runtime, campaign_id, bell)
        outcomes.append(step.outcome)
        bell = ""
        if step.ends or clock.monotonic() >= stop_at or campaigns_wait(runtime):  # guard: turn-ends-for-others
            break
    if step.again_in is not None:
        ring_submits(runtime, campaign_id, delay=step.again_in)
    return "; ".join(outcomes)


def submit_next(runtime: Runtime, campaign_id: str, bell: str) -> Step:
    """Claim the next due batch and take it as far as it goes now."""
    lease = runtime.ledger.batches.claim(
        campaign_id,
        bell=bell,
        account=runtime.account,
        account_name=runtime.settings.account_name,
        token=new_token(),
        lease_ms=runtime.lease_ms,
    )
    if isinstance(lease, NothingDue):
        if lease.at is None:
            return Step("nothing due", again_in=None, ends=True)
        wait = max(0.0, (lease.at - runtime.ledger.due_indexes.now_ms()) / 1000)
        return Step(f"nothing due for {wait:.1f} s", again_in=wait, ends=True)
    if not isinstance(lease, BatchLease):
        return Step(f"not now: {lease.why}", again_in=None, ends=True)
    try:
        body, envelope = unpacked(lease.body, runtime.cipher), Envelope.from_json(lease.envelope)
    except (DecryptionError, ValueError) as error:
        return _unreadable(runtime, lease, str(error))
    # guard: suppressed-since
    if lease.held_against != lease.suppressions and (state := without_suppressed(runtime, lease, body)):
        return Step(f"{state}: suppressed")
    # Only a campaign with hours needs to know what time it is.
    if envelope.send_between is not None and (closed := _closed(envelope, _now(runtime))) > 0:  # guard: sending-hours
        return _outside_hours(runtime, lease, closed)
    no_access = runtime.client.without_access()  # guard: token-before-slot
    if not runtime.permits.acquire(timeout=PERMIT_WAIT_SECONDS):
        _give_back(runtime, lease, 0.0, "no permit")
        return Step("deferred: no permit", ends=True)
    try:
        answered = _with_permit(runtime, lease, envelope, body, no_access)
    finally:
        # guard: permit-returned
        runtime.permits.release()  # before the answer is recorded: the next request need not wait for Redis's disk
    if isinstance(answered, Step):
        return answered
    step = _until_told(runtime, lambda: _recorded(runtime, lease, answered.outcome, body, answered.intended_at))
    runtime.measurements.count(answered.outcome.kind, post_seconds=answered.took, slot_wait_seconds=answered.slot_wait)
    decided(
        LOGGER,
        step.outcome,
        seconds=answered.took,
        campaign=lease.campaign_id,
        batch=lease.batch_id,
        attempt=lease.attempts + 1,
        messages=lease.size,
    )
    return step


def _with_permit(
    runtime: Runtime, lease: BatchLease, envelope: Envelope, body: bytes, no_access: Outcome | None
) -> Step | _Answered:
    try:
        ready = _ready(runtime, lease, envelope)
    except (NotDurable, RedisError):  # guard: intent-answer-lost
        # Nothing has left, whether or not the intent was written. Only this process knows: to others it is a doubt.
        return _until_told(runtime, lambda: _withdrawn(runtime, lease, NOTHING_LEFT))
    if isinstance(ready, Step):  # guard: intent-before-post
        return ready
    begun = clock.monotonic()
    outcome = no_access or runtime.client.send_individual(
        body, ready.fields, lambda: _young(runtime, ready.intended_at)
    )
    return _Answered(outcome, ready.intended_at, ready.slot_wait, clock.monotonic() - begun)


def _ready(runtime: Runtime, lease: BatchLease, envelope: Envelope) -> Step | _Ready:
    """Wait for a slot and write the intent, on disk; for another slot, if that took until after the first.

    Raise NotDurable and RedisError.
    """
    slot = runtime.submit_limiter.reserve(MAX_SLOT_WAIT)
    if isinstance(slot, Later):
        # Coming back a little early is right: the rest of the wait is slept out with the slot in hand.
        delay = max(0.0, slot.retry_in - MAX_SLOT_WAIT / 2)
        _give_back(runtime, lease, delay, "rate limit")
        return Step(f"deferred {delay:.1f} s: rate limit", again_in=delay, ends=True)
    clock.sleep(slot.wait)  # guard: slot-awaited
    slot_at = clock.monotonic()
    now = _now(runtime)
    if (closed := _closed(envelope, now)) > 0:
        return _outside_hours(runtime, lease, closed)
    fields, start_passed = envelope.request_fields(now, runtime.settings.bsg_timezone)
    intended_at = clock.monotonic()
    state = runtime.ledger.batches.intend(
        lease,
        account=runtime.account,
        lease_ms=runtime.lease_ms,
        duplicate_window_ms=int(runtime.settings.bsg_duplicate_window * 1000),
        note="start_at has passed: sent at once" if start_passed else "",
        detector=runtime.rollback_detector,
    )
    if state != "posting":  # guard: intent-written
        return Step(f"not sent: {state}")
    runtime.ledger.durability.wait_for_disk()  # guard: intent-on-disk
    if clock.monotonic() - slot_at > LATEST_SECONDS:  # guard: slot-stale
        another = runtime.submit_limiter.reserve(MAX_SLOT_WAIT)
        if isinstance(another, Later):
            return _until_told(runtime, lambda: _withdrawn(runtime, lease, SLOT_MISSED))
        clock.sleep(another.wait)
    return _Ready(fields, intended_at, slot.wait)


def _give_back(runtime: Runtime, lease: BatchLease, delay: float, cause: str, *, unreadable: bool = False) -> None:
    runtime.ledger.batches.release(lease, delay_ms=int(delay * 1000), cause=cause, unreadable=unreadable)


def _now(runtime: Runtime) -> datetime:
    return to_datetime(runtime.ledger.due_indexes.now_ms())


def _closed(envelope: Envelope, now: datetime) -> float:
    """For how many seconds nothing of the campaign may leave, by its hours."""
    return (envelope.opening(now) - now).total_seconds()


def _outside_hours(runtime: Runtime, lease: BatchLease, closed: float) -> Step:
    _give_back(runtime, lease, closed, f"outside of its hours, for {closed:.0f} s")
    return Step(f"deferred {closed:.0f} s: outside of its hours", again_in=closed, ends=True)


def _unreadable(runtime: Runtime, lease: BatchLease, cause: str) -> Step:
    _give_back(runtime, lease, UNREADABLE_DELAY, cause, unreadable=True)
    return Step(f"deferred {UNREADABLE_DELAY:.0f} s: {cause}", again_in=None, ends=True)


def _withdrawn(runtime: Runtime, lease: BatchLease, why: Outcome) -> Step:
    """Give the batch back, as one that was posting or, if the intent never got there, as one that was claimed."""
    recorded = record(runtime, lease, why, b"", SystemRandom(), begun=clock.monotonic())
    if recorded.state == STALE:
        runtime.ledger.batches.release(lease, delay_ms=0, cause=why.cause)
    return Step(f"deferred {recorded.delay:.1f} s: {why.cause}", again_in=recorded.delay, ends=True)


def _young(runtime: Runtime, intended_at: float) -> bool:
    """Return whether a request that begins now ends well before the lease. Only this process's clock counts."""
    # guard: intent-before-lease-end
    return clock.monotonic() - intended_at < runtime.settings.lease_seconds - 2 * runtime.settings.max_request_seconds


def _recorded(runtime: Runtime, lease: BatchLease, outcome: Outcome, body: bytes, begun: float) -> Step:
    recorded = record(runtime, lease, outcome, body, SystemRandom(), begun=begun)
    text = f"{recorded.state}: {outcome.cause}" if outcome.cause else recorded.state
    if recorded.delay > 0:
        return Step(f"deferred {recorded.delay:.1f} s: {outcome.cause}", again_in=recorded.delay)
    return Step(text)


def _until_told(runtime: Runtime, tell: Callable[[], Step]) -> Step:
    """Report the ledger, again and again while Redis is away: only this process knows what BSG said.

    Every transition is safe to repeat. Late in the lease what BSG said counts as lost: reconciling finds it.
    """
    stop_at = clock.monotonic() + runtime.settings.lease_seconds / 2
    while True:
        try:
            return tell()
        except (RedisConnectionError, RedisTimeoutError):  # guard: record-when-redis-returns
            if clock.monotonic() >= stop_at:
                raise
            clock.sleep(RECORD_AGAIN_SECONDS)
