"""Do the work of all workers in this process, one step after another, until nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

from bsg_ledger.due_indexes import DueIndex, unassigned
from bsg_ledger.ledger import Ledger
from bsg_ledger.records import CampaignSummary
from bsg_testing.moved_time import MovedTime
from bsg_worker.accounts import Accounts
from bsg_worker.status_pass import poll_all, run_status_pass
from bsg_worker.submit import dispatch
from bsg_worker.upkeep.stop_list import sync_stop_list
from bsg_worker.upkeep.sweep import sweep

FIRST_STEP_SECONDS = 1.0
_OF_ACCOUNTS = (DueIndex.DUE, DueIndex.LEASES, DueIndex.DOUBT, DueIndex.LIVE, DueIndex.STOPS)
_OF_LEDGER = (DueIndex.DEADLINES, DueIndex.UNFINISHED)
_LEAVE_PAUSED = ("posting", "unconfirmed", "submitted")
_OPEN = ("unprepared", "pending", *_LEAVE_PAUSED)


def drain(accounts: Accounts, time: MovedTime, within: float) -> None:
    """Work until every campaign is final, or waits for someone, moving the time by `within` seconds at most.

    The time goes on to when something is due. For what is due at no known time, it goes on in growing steps.
    """
    ledger = accounts.first.ledger
    stop_at = time.monotonic() + within
    step = FIRST_STEP_SECONDS
    # Nothing waits in another thread: the time moves here.
    with time.sleeping_at_once(), patch.object(dispatch, "wake_later"):
        while True:
            if _work_once(accounts):
                step = FIRST_STEP_SECONDS
                continue
            seconds = min(step, stop_at - time.monotonic(), _until_next(accounts))
            if seconds <= 0 or not any(_is_under_way(ledger, campaign) for campaign in ledger.reading.campaigns()):
                return
            time.advance(seconds)
            step *= 2


def _work_once(accounts: Accounts) -> bool:
    """Do everything that is due. Return whether there was anything."""
    outcomes = [dispatch.dispatch_work(runtime) for runtime in accounts]
    outcomes += [
        accounts.each(sweep),
        run_status_pass(accounts),
        poll_all(accounts),
        accounts.each(sync_stop_list),
    ]
    return any(outcomes)


def _until_next(accounts: Accounts) -> float:
    """Return the seconds until something is due; infinity if nothing is known to be."""
    due_indexes = accounts.first.ledger.due_indexes
    due = due_indexes.oldest_due(_indexes(accounts))
    return float("inf") if due is None else max(0.001, (due.since_ms - due_indexes.now_ms()) / 1000)


def _indexes(accounts: Accounts) -> Iterator[tuple[DueIndex, str]]:
    yield from ((index, "") for index in _OF_LEDGER)
    for runtime in accounts:
        yield from ((index, runtime.account.id) for index in _OF_ACCOUNTS)
        yield DueIndex.DUE, unassigned(runtime.account.name)


def _is_under_way(ledger: Ledger, campaign: CampaignSummary) -> bool:
    """Return whether the passing of time alone changes the campaign."""
    states = _LEAVE_PAUSED if campaign.paused else _OPEN
    if not any(campaign.counts[state] for state in states):
        return False
    status = ledger.reading.status(campaign.campaign_id)
    if status is None or any(status.counts[state] for state in states if state in ("unprepared", "pending")):
        return True
    return any(batch.state in states and batch.needs_operator is None for batch in status.batches)
