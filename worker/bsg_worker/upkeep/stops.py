"""Stop cancelled campaigns at BSG. Each stop is repeated until BSG reports a final status."""

from __future__ import annotations

from collections.abc import Sequence, Set
from threading import Lock

from bsg_client.lists import NewestFirst
from bsg_client.outcomes import ReadFailed
from bsg_client.responses import CampaignResponse
from bsg_config import clock
from bsg_ledger.due_indexes import DueIndex
from bsg_worker.pace import FINAL
from bsg_worker.poll.listed import listed_campaigns, newest_campaigns, read_back
from bsg_worker.read_failures import is_not_found
from bsg_worker.row_requests import RowRequests, shuffled
from bsg_worker.runtime import Runtime

DUE = 500  # of which the newest are asked for first
AT_ONCE = 32
TAKEN_SECONDS = 3.0  # a process that dies keeps for so long what it has taken
ASKED_SECONDS = 2.0  # below TAKEN_SECONDS: unless the list is slow, two passes do not ask for one campaign at once
AGAIN_SECONDS = 10.0
AGAIN_IN_CREATION_SECONDS = 1.0  # BSG refuses to stop a campaign in creation, and may send it a moment later
AT_MOST_SECONDS = 8.0  # then no more are taken, and the other accounts are served
FEW = 2  # campaigns whose statuses are read one by one: for more of them BSG's list is one request for all

CREATION = "creation"


def stop_at_bsg(runtime: Runtime) -> str:
    """Ask BSG to stop the campaigns whose stops are due. A stop is over when BSG reports a final status."""
    requests, stop_at = RowRequests(runtime), clock.monotonic() + AT_MOST_SECONDS
    ended, over, taken = _Ended(runtime, requests), 0, set[str]()
    while not requests.over and clock.monotonic() < stop_at and (due := _take_newest(runtime)):
        taken.update(due)
        over += _Part(runtime, requests, ended).stop(due)
    if not taken:
        return ""
    outcome = f"{over} of {len(taken)} stops are over"
    return f"{outcome}: {requests.cause}" if requests.cause else outcome


def _take_newest(runtime: Runtime) -> list[str]:
    """Take some of the stops that are due, those of the newest campaigns: BSG has probably sent the oldest ones."""
    indexes, account = runtime.ledger.due_indexes, runtime.account.id
    due = indexes.take_due(DueIndex.STOPS, account=account, at_most=DUE, put_off_ms=int(TAKEN_SECONDS * 1000))
    due.sort(key=int, reverse=True)  # guard: stop-newest-first
    indexes.give_back(DueIndex.STOPS, due[AT_ONCE:], account=account)  # guard: stop-in-parts
    return due[:AT_ONCE]


class _Ended:
    """The campaigns that BSG's list shows as ended. An end is final: in one pass, no page is read twice."""

    def __init__(self, runtime: Runtime, requests: RowRequests) -> None:
        self._runtime = runtime
        self._requests = requests
        self._newest: NewestFirst[CampaignResponse] | None = None
        self._statuses: dict[int, str] = {}

    def among(self, bsg_ids: Set[int]) -> dict[int, str]:
        """Return the final statuses of those that have ended, as far as the list shows that cheaply."""
        self._newest = self._newest or newest_campaigns(self._runtime)
        for campaign in read_back(self._newest, self._requests, min(bsg_ids), instead_of=len(bsg_ids)):
            if campaign.status in FINAL:
                self._statuses[campaign.id] = campaign.status
        return {bsg_id: self._statuses[bsg_id] for bsg_id in bsg_ids if bsg_id in self._statuses}

    def has_read_back_to(self, bsg_id: int) -> bool:
        return self._newest is not None and self._newest.lowest is not None and self._newest.lowest <= bsg_id


class _Part:
    """The stops of a pass that are taken together. BSG is asked for them for `ASKED_SECONDS`."""

    def __init__(self, runtime: Runtime, requests: RowRequests, ended: _Ended) -> None:
        self._runtime = runtime
        self._requests = requests
        self._ended = ended
        self._ask_until = 0.0
        self._lock = Lock()
        self._refused: list[int] = []
        self._asked: set[str] = set()

    def stop(self, due: Sequence[str]) -> int:
        """Return how many of the stops are over."""
        candidates = self._without_those_in_creation(due)
        stoppable = shuffled(self._without_those_ended(candidates))
        over = len(candidates) - len(stoppable)
        # The time of the list is not counted: a list that does not respond must not keep BSG from being asked.
        self._ask_until = clock.monotonic() + ASKED_SECONDS  # guard: stop-though-list-is-slow
        over += self._requests.each(stoppable, self._ask)
        over += self._ended_by_status(self._refused)
        not_asked = [bsg_id for bsg_id in stoppable if bsg_id not in self._asked]
        # If BSG refuses all that the account asks for, the next pass may wait.
        if not_asked and not self._requests.refused:  # guard: stop-rest-at-once
            self._runtime.ledger.due_indexes.give_back(DueIndex.STOPS, not_asked, account=self._runtime.account.id)
        return over

    def _without_those_in_creation(self, due: Sequence[str]) -> list[str]:
        """Leave out campaigns that BSG refused to stop in `creation` and still lists so, except one.

        The one that is left shows whether the list is out of date.
        """
        refused = self._runtime.ledger.reading.refused_stops(self._runtime.account.id, due)
        waiting = {int(bsg_id) for bsg_id, status in refused.items() if status == CREATION}
        if len(waiting) <= FEW:
            return list(due)
        listed = self._listed(waiting)
        # guard: stop-list-behind
        still = shuffled([bsg_id for bsg_id in waiting if listed.get(bsg_id) == CREATION])[1:]
        for bsg_id in still:
            self._put_off(bsg_id, CREATION)
        return [bsg_id for bsg_id in due if int(bsg_id) not in still]

    def _without_those_ended(self, due: Sequence[str]) -> list[str]:
        """Leave out campaigns that BSG lists as ended, and record their ends: BSG cannot stop them any more."""
        ended = self._ended.among({int(bsg_id) for bsg_id in due}) if len(due) > FEW else {}  # guard: stop-not-ended
        for bsg_id, status in ended.items():
            self._recorded(bsg_id, status)
        return [bsg_id for bsg_id in due if int(bsg_id) not in ended]

    def _ask(self, bsg_id: str) -> bool:
        if clock.monotonic() >= self._ask_until:
            return False
        with self._lock:
            self._asked.add(bsg_id)
        try:
            status = self._runtime.client.stop(int(bsg_id))
        except ReadFailed as failure:
            if is_not_found(failure):
                self._denied(int(bsg_id))
            raise
        if status is not None:
            return self._recorded(int(bsg_id), status)
        with self._lock:
            self._refused.append(int(bsg_id))
        return False

    def _ended_by_status(self, refused: Sequence[int]) -> int:
        """Read the statuses of campaigns that BSG refused to stop. Only the status shows whether a stop is over."""
        listable = {bsg_id for bsg_id in refused if self._ended.has_read_back_to(bsg_id)}
        listed = self._listed(listable) if len(listable) > FEW else {}

        def read(bsg_id: int) -> bool:
            status = listed.get(bsg_id) or self._runtime.client.campaign(bsg_id).status
            return self._recorded(bsg_id, status)

        return self._requests.each(refused, read)

    def _listed(self, bsg_ids: Set[int]) -> dict[int, str]:
        listed = listed_campaigns(self._runtime, self._requests, bsg_ids, instead_of=len(bsg_ids))
        return {bsg_id: campaign.status for bsg_id, campaign in listed.items()}

    def _recorded(self, bsg_id: int, status: str) -> bool:
        """Record the status. Return whether the stop is over."""
        if status not in FINAL:  # guard: stop-until-final
            self._put_off(bsg_id, status)
            return False
        self._runtime.ledger.batches.stopped(self._runtime.account.id, bsg_id, status=status)
        return True

    def _put_off(self, bsg_id: int, status: str) -> None:
        seconds = AGAIN_IN_CREATION_SECONDS if status == CREATION else AGAIN_SECONDS  # guard: stop-soon-while-created
        self._runtime.ledger.batches.stop_refused(
            self._runtime.account.id, bsg_id, status=status, delay_ms=int(seconds * 1000)
        )

    def _denied(self, bsg_id: int) -> None:
        self._runtime.ledger.batches.stop_denied(
            self._runtime.account.id,
            bsg_id,
            older_than_ms=self._runtime.operator_after_ms,
            delay_ms=int(AGAIN_SECONDS * 1000),
            cause=f"BSG does not know campaign {bsg_id}, which it has to stop",
        )
