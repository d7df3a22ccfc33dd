"""Rings again for what is due and forgotten, ends leases that ran out, and repeats stops until BSG has answered."""

from __future__ import annotations

from random import SystemRandom

from bsg_config.celery_configuration import PREPARE, SUBMIT, queue_of
from bsg_ledger.rooms import UNSTAMPED, Room
from bsg_worker.client.outcomes import ReadFailed, StopOutcome
from bsg_worker.doorbells import BELL_PATIENCE_SECONDS, ring_submits
from bsg_worker.read_failures import obey
from bsg_worker.runtime import Runtime

AT_ONCE = 500
STOP_AGAIN_SECONDS = 10.0


def sweep(runtime: Runtime) -> str:
    """One round over all that may have been forgotten; answers counts."""
    taken_back = runtime.ledger.batches.take_back(runtime.account, at_most=AT_ONCE)
    expired = _expire(runtime)
    rung = _ring_prepares(runtime) + _ring_due(runtime, runtime.account) + _ring_due(runtime, UNSTAMPED)
    return f"{len(taken_back)} leases taken back, {expired} expired, {rung} rung"


def stop_at_bsg(runtime: Runtime) -> str:
    """Asks BSG to stop what was cancelled; each row stays until BSG has answered."""
    due = runtime.ledger.rooms.take_due(
        Room.STOPS, account=runtime.account, at_most=AT_ONCE, put_off_ms=int(STOP_AGAIN_SECONDS * 1000)
    )
    # In any order: what always fails must not stand before the same others each time.
    SystemRandom().shuffle(due)
    answered = 0
    for bsg_id in due:
        try:
            outcome = runtime.client.stop(int(bsg_id))
        except ReadFailed as error:
            obey(runtime, error)
            if error.speaks_for_all:
                return f"{answered} of {len(due)} stops answered: {error.cause}"
            continue
        if outcome is StopOutcome.UNKNOWN:
            continue
        runtime.ledger.batches.stopped(runtime.account, int(bsg_id), stopped=outcome is StopOutcome.STOPPED)
        answered += 1
    return f"{answered} of {len(due)} stops answered" if due else ""


def _expire(runtime: Runtime) -> int:
    due = runtime.ledger.rooms.take_due(
        Room.DEADLINES, at_most=AT_ONCE, put_off_ms=int(runtime.settings.sweep_interval * 1000)
    )
    return sum(runtime.ledger.campaigns.expire(campaign_id) for campaign_id in due)


def _ring_prepares(runtime: Runtime) -> int:
    due = runtime.ledger.rooms.take_due(Room.PREPARE, at_most=AT_ONCE, put_off_ms=int(BELL_PATIENCE_SECONDS * 1000))
    rung = 0
    for campaign_id in due:
        priority = runtime.ledger.reading.priority(campaign_id)
        if _short(runtime, queue_of(PREPARE, priority)):
            rung += runtime.doorbell.ring_prepare(campaign_id, priority)
    return rung


def _ring_due(runtime: Runtime, account: str) -> int:
    due = runtime.ledger.rooms.take_due(
        Room.DUE, account=account, at_most=AT_ONCE, put_off_ms=int(runtime.settings.sweep_interval * 1000)
    )
    rung = 0
    for campaign_id in due:
        if _short(runtime, queue_of(SUBMIT, runtime.ledger.reading.priority(campaign_id))):
            rung += ring_submits(runtime, campaign_id)
    return rung


def _short(runtime: Runtime, queue: str) -> bool:
    # A queue with a window's worth of bells keeps the workers busy: more would only grow it.
    return runtime.queue_length(queue) < runtime.settings.campaign_window
