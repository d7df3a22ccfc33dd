"""Rings again for what is due and forgotten, and ends leases that ran out."""

from __future__ import annotations

from bsg_broker.doorbell import BELL_TIMEOUT_MS
from bsg_broker.queues import PREPARE, SUBMIT, queue_of
from bsg_ledger.due_indexes import DueIndex, unassigned
from bsg_worker.doorbells import ring_submits
from bsg_worker.gate_log import warn_of_shut_gate
from bsg_worker.reconcile.reconcile import reconcile
from bsg_worker.row_requests import shuffled
from bsg_worker.runtime import Runtime

AT_ONCE = 500
MAX_QUEUE = 1000  # bells: nobody answers them, and more would not change that


def sweep(runtime: Runtime) -> str:
    """Run one pass over all that may have been forgotten. Return counts."""
    taken_back = runtime.ledger.batches.take_back(runtime.account, at_most=AT_ONCE)
    if taken_back:
        warn_of_shut_gate(runtime, taken_back)
    finished = _finish(runtime)
    expired = _expire(runtime)
    rung = _ring_prepares(runtime) + _ring_submits(runtime)
    if not (taken_back or finished or expired or rung):
        return ""
    swept = f"{len(taken_back)} leases taken back, {expired} expired, {rung} rung"
    if finished:
        swept += f", {finished} finished"
    # What a dead worker had on the wire has waited for a whole lease already.
    return "; ".join(filter(None, (swept, reconcile(runtime) if taken_back else "")))


def _finish(runtime: Runtime) -> int:
    """Take the steps that a process which has died has left."""
    due = runtime.ledger.due_indexes.take_due(
        DueIndex.UNFINISHED, at_most=AT_ONCE, put_off_ms=int(runtime.settings.sweep_interval * 1000)
    )
    for campaign_id in due:
        runtime.ledger.campaigns.finish(campaign_id)
    return len(due)


def _expire(runtime: Runtime) -> int:
    due = runtime.ledger.due_indexes.take_due(
        DueIndex.DEADLINES, at_most=AT_ONCE, put_off_ms=int(runtime.settings.sweep_interval * 1000)
    )
    expired = 0
    for campaign_id in due:
        expired += runtime.ledger.campaigns.expire(campaign_id)
    return expired


def _ring_prepares(runtime: Runtime) -> int:
    due = runtime.ledger.due_indexes.take_due(DueIndex.PREPARE, at_most=AT_ONCE, put_off_ms=BELL_TIMEOUT_MS)
    rung = 0
    for campaign_id in shuffled(due):
        priority = runtime.ledger.reading.priority(campaign_id)
        if _has_capacity(runtime, queue_of(PREPARE, priority), rung):
            rung += runtime.doorbell.ring_prepare(campaign_id, priority)
    return rung


def _ring_submits(runtime: Runtime) -> int:
    """Nothing for what nobody has claimed while the gate is shut: its campaigns name no gate yet that the ledger asks.

    A half-open gate lets one batch through at a time, so that more wake-ups would find it closed.
    """
    gate = runtime.gate.state()
    at_most = 1 if gate.half_open else AT_ONCE
    rung = _ring_due(runtime, runtime.account, at_most)
    return rung if gate.shut else rung + _ring_due(runtime, unassigned(runtime.settings.account_name), at_most)


def _ring_due(runtime: Runtime, account: str, at_most: int) -> int:
    due = runtime.ledger.due_indexes.take_due(
        DueIndex.DUE, account=account, at_most=at_most, put_off_ms=int(runtime.settings.sweep_interval * 1000)
    )
    rung = 0
    for campaign_id in shuffled(due):
        if _has_capacity(runtime, queue_of(SUBMIT, runtime.ledger.reading.priority(campaign_id)), rung):
            rung += ring_submits(runtime, campaign_id)
    return rung


def _has_capacity(runtime: Runtime, queue: str, rung: int) -> bool:
    """Return whether one more may be rung for, of so many in this pass.

    A queue with a window's worth of bells keeps the workers busy: more would only grow it. But large campaigns keep it
    so for hours, and whose bell was lost meanwhile waits for its turn, not for their end.
    """
    length = runtime.queue_length(queue)
    # guard: full-queue-gets-no-wake-up
    return length < runtime.settings.campaign_window or (rung == 0 and length < MAX_QUEUE)
