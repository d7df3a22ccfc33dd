"""Whether BSG sent what it could still have stopped when its campaign was cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from tests.chaos.accounts import Account
from tests.chaos.findings import CheckResult, Fault, Finding

# BSG can obey so long after the ledger knows both the cancel and the BSG campaign: faults last a few seconds each.
TIME_TO_STOP = timedelta(seconds=25)
# A stream's campaign can have hundreds of BSG campaigns, and each stop is a request of its own.
TIME_OF_A_STOP = timedelta(seconds=0.1)


def judge_stops(account: Account, stoppable_until: Mapping[int, datetime], result: CheckResult) -> None:
    """`stoppable_until`: until when BSG could obey a stop of its campaigns; those without a time are not judged."""
    status = account.status
    if status is None or not status.cancelled:
        return
    cancelled_at = max(each.when for each in status.transitions if not each.batch and each.to_state == "cancelling")
    at_bsg = sum(batch.bsg_campaign_id is not None for batch in status.batches)
    for batch in status.batches:
        result.stopped += batch.bsg_status == "stopped"
        sends_at = stoppable_until.get(batch.bsg_campaign_id or 0)
        if sends_at is None:
            continue
        submitted = (each for each in status.transitions if each.batch == batch.id and each.to_state == "submitted")
        known_at = max((each.when for each in submitted), default=cancelled_at)
        time_left = sends_at - max(cancelled_at, known_at)
        if batch.bsg_status == "done" and time_left >= TIME_TO_STOP + at_bsg * TIME_OF_A_STOP:
            what = f"BSG sent campaign {batch.bsg_campaign_id}, with {time_left.total_seconds():.0f} s left to stop it"
            result.findings.append(Finding(Fault.SENT_AFTER_CANCEL, what, account.campaign_id, batch.id))
