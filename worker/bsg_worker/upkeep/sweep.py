"""Wake a worker for what is due and forgotten, and end leases that ran out."""

from __future__ import annotations

from bsg_ledger.due_indexes import DueIndex
from bsg_worker.gate_log import warn_of_shut_gate
from bsg_worker.reconcile.reconcile import reconcile
from bsg_worker.runtime import Runtime

AT_ONCE = 500


def sweep(runtime: Runtime) -> str:
    """Run one pass over all that may have been forgotten. Return counts."""
    taken_back = runtime.ledger.batches.take_back(runtime.account.id)
    if taken_back:
        warn_of_shut_gate(runtime, taken_back)
    finished = _finish(runtime)
    _stop_collecting(runtime)
    expired = _expire(runtime)
    _wake(runtime)
    if not (taken_back or finished or expired):
        return ""
    swept = f"{len(taken_back)} leases taken back, {expired} expired"
    if finished:
        swept += f", {finished} finished"
    # What a dead worker had on the wire has waited for a whole lease already.
    return "; ".join(filter(None, (swept, reconcile(runtime) if taken_back else "")))


def _finish(runtime: Runtime) -> int:
    """Take the steps that a dead process has left."""
    due = runtime.ledger.due_indexes.take_due(
        DueIndex.UNFINISHED, at_most=AT_ONCE, put_off_ms=int(runtime.settings.sweep_interval * 1000)
    )
    for campaign_id in due:
        runtime.ledger.campaigns.finish(campaign_id)
    return len(due)


def _stop_collecting(runtime: Runtime) -> None:
    """End the campaigns of streams that have taken up messages for their time."""
    due = runtime.ledger.due_indexes.take_due(
        DueIndex.COLLECTING, at_most=AT_ONCE, put_off_ms=int(runtime.settings.sweep_interval * 1000)
    )
    for campaign_id in due:
        runtime.ledger.streams.stop_collecting(campaign_id)  # guard: collecting-is-ended


def _expire(runtime: Runtime) -> int:
    due = runtime.ledger.due_indexes.take_due(
        DueIndex.DEADLINES, at_most=AT_ONCE, put_off_ms=int(runtime.settings.sweep_interval * 1000)
    )
    expired = 0
    for campaign_id in due:
        expired += runtime.ledger.campaigns.expire(campaign_id)
    return expired


def _wake(runtime: Runtime) -> None:
    """Wake a worker if something is due for the account, and no wake-up is on its way."""
    if not runtime.gate.state().shut and runtime.dispatcher.is_unattended():  # guard: sweep-wakes-if-unattended
        runtime.wakeups.notify(runtime.account.name)
