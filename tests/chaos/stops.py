"""Whether BSG sent what it could still have stopped when its campaign was cancelled."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.chaos.accounts import Account
from tests.chaos.findings import CheckResult, Fault, Finding

# Once the ledger knows both the cancel and the BSG campaign, so much time is enough, faults included.
TIME_TO_STOP = timedelta(seconds=25)
# A stream's campaign can have hundreds of BSG campaigns, and each stop is a request of its own.
TIME_OF_A_STOP = timedelta(seconds=0.1)


@dataclass(frozen=True, slots=True)
class TimeToStop:
    """For how long BSG campaigns could be stopped.

    `sends_at`: until when BSG could obey, by its campaigns; those without a time are not judged. `active`: the seconds
    since 1970, in order, in which BSG responded to a status request. In the others no status worker ran, or it did not
    reach BSG, and nobody could stop anything.
    """

    sends_at: Mapping[int, datetime] = field(default_factory=dict)
    active: Sequence[int] = ()

    def since(self, begin: datetime, bsg_id: int) -> timedelta:
        """Return how much of the time from `begin` on, while BSG could obey, was active."""
        if bsg_id not in self.sends_at:
            return timedelta()
        first = bisect_left(self.active, begin.timestamp())
        after_last = bisect_right(self.active, self.sends_at[bsg_id].timestamp())
        return timedelta(seconds=after_last - first)


def judge_stops(account: Account, time_to_stop: TimeToStop, result: CheckResult) -> None:
    status = account.status
    if status is None or not status.cancelled:
        return
    times = {each.to_state: each.when for each in status.transitions if not each.batch}
    # A campaign that had ended when it was cancelled has no transition to `cancelling`.
    cancelled_at = times.get("cancelling") or times["cancelled"]
    at_bsg = sum(batch.bsg_campaign_id is not None for batch in status.batches)
    for batch in status.batches:
        result.stopped += batch.bsg_status == "stopped"
        submitted = (each for each in status.transitions if each.batch == batch.id and each.to_state == "submitted")
        known_at = max((each.when for each in submitted), default=cancelled_at)
        time_left = time_to_stop.since(max(cancelled_at, known_at), batch.bsg_campaign_id or 0)
        if batch.bsg_status == "done" and time_left >= TIME_TO_STOP + at_bsg * TIME_OF_A_STOP:
            what = f"BSG sent campaign {batch.bsg_campaign_id}, with {time_left.total_seconds():.0f} s left to stop it"
            result.findings.append(Finding(Fault.SENT_AFTER_CANCEL, what, account.campaign_id, batch.id))
