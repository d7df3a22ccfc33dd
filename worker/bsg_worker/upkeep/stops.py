"""Stop cancelled campaigns at BSG. Each stop is repeated until BSG reports a final status."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from bsg_client.outcomes import ReadFailed
from bsg_config import clock
from bsg_ledger.due_indexes import DueIndex
from bsg_worker.pace import FINAL
from bsg_worker.poll.listed import listed_campaigns
from bsg_worker.read_failures import is_not_found
from bsg_worker.row_requests import RowRequests, shuffled
from bsg_worker.runtime import Runtime

AT_ONCE = 32
TAKEN_SECONDS = 5.0  # a process that dies keeps for so long what it has taken
ASKED_SECONDS = 4.0  # below TAKEN_SECONDS: two passes do not ask for the same campaign at once
AGAIN_SECONDS = 10.0
AGAIN_IN_CREATION_SECONDS = 1.0  # BSG refuses to stop a campaign in creation, and may send it a moment later
AT_MOST_SECONDS = 8.0  # then the other accounts are served
FEW = 2  # campaigns whose statuses are read one by one: for more of them BSG's list is one request for all

CREATION = "creation"


def stop_at_bsg(runtime: Runtime) -> str:
    """Ask BSG to stop the campaigns whose stops are due. A stop is over when BSG reports a final status."""
    requests, stop_at = RowRequests(runtime), clock.monotonic() + AT_MOST_SECONDS
    over, taken = 0, set[str]()
    while not requests.over and clock.monotonic() < stop_at and (due := _take_some(runtime)):
        taken.update(due)
        over += _Part(runtime, requests, min(stop_at, clock.monotonic() + ASKED_SECONDS)).stop(due)
    if not taken:
        return ""
    outcome = f"{over} of {len(taken)} stops are over"
    return f"{outcome}: {requests.cause}" if requests.cause else outcome


def _take_some(runtime: Runtime) -> list[str]:
    return runtime.ledger.due_indexes.take_due(
        DueIndex.STOPS,
        account=runtime.account.id,
        at_most=AT_ONCE,  # guard: stop-in-parts
        put_off_ms=int(TAKEN_SECONDS * 1000),
    )


class _Part:
    """The stops of a pass that are taken together. BSG is asked for them until `ask_until`."""

    def __init__(self, runtime: Runtime, requests: RowRequests, ask_until: float) -> None:
        self._runtime = runtime
        self._requests = requests
        self._ask_until = ask_until
        self._lock = Lock()
        self._refused: list[int] = []
        self._asked: set[str] = set()

    def stop(self, due: Sequence[str]) -> int:
        """Return how many of the stops are over."""
        stoppable = shuffled(self._without_those_in_creation(due))
        over = self._requests.each(stoppable, self._ask)
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
        listed = self._listed(set(refused)) if len(refused) > FEW else {}

        def read(bsg_id: int) -> bool:
            status = listed.get(bsg_id) or self._runtime.client.campaign(bsg_id).status
            return self._recorded(bsg_id, status)

        return self._requests.each(refused, read)

    def _listed(self, bsg_ids: set[int]) -> dict[int, str]:
        listed = listed_campaigns(self._runtime, self._requests, bsg_ids)
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
