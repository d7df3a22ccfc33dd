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

DUE = 2000  # of which the newest are asked for first
AT_ONCE = 32
TAKEN_SECONDS = 3.0  # a process that dies keeps for so long what it has taken
ASKED_SECONDS = 1.5  # twice in a part, so that two passes do not ask for one campaign at once, unless the list is slow
LISTED_SECONDS = 4.0  # then the stops that come next are asked for, although the list might save requests
AGAIN_SECONDS = 10.0
AGAIN_SOON_SECONDS = 1.0  # BSG refuses to stop a campaign in creation, and may send it a moment later
AT_MOST_SECONDS = 8.0  # then no more are taken, and the other accounts are served
FEW = 2  # campaigns whose statuses are read one by one: for more of them BSG's list is one request for all

CREATION = "creation"


def stop_at_bsg(runtime: Runtime) -> str:
    """Ask BSG to stop the campaigns whose stops are due. A stop is over when BSG reports a final status."""
    requests, stop_at = RowRequests(runtime), clock.monotonic() + AT_MOST_SECONDS
    campaigns, over, taken = _CampaignList(runtime), 0, set[str]()
    while not requests.over and clock.monotonic() < stop_at and (due := _take_newest(runtime, taken)):
        taken.update(due)
        over += _Part(runtime, requests, campaigns).stop(due)
    if not taken:
        return ""
    outcome, cause = f"{over} of {len(taken)} stops are over", requests.cause or campaigns.cause
    return f"{outcome}: {cause}" if cause else outcome


def _take_newest(runtime: Runtime, taken: Set[str]) -> list[str]:
    """Take some of the stops that are due, those of the newest campaigns: BSG has probably sent the oldest ones.

    Those that were `taken` in this pass come last, so that campaigns in creation do not keep older ones waiting.
    """
    indexes, account = runtime.ledger.due_indexes, runtime.account.id
    due = indexes.take_due(DueIndex.STOPS, account=account, at_most=DUE, put_off_ms=int(TAKEN_SECONDS * 1000))
    due.sort(key=lambda bsg_id: (bsg_id not in taken, int(bsg_id)), reverse=True)  # guard: stop-newest-first
    indexes.give_back(DueIndex.STOPS, due[AT_ONCE:], account=account)  # guard: stop-in-parts
    return due[:AT_ONCE]


class _CampaignList:
    """BSG's list in one pass. It only saves requests, so after a failure the stops are asked for without it.

    `cause`: why it failed, or "".
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        # Its failures are counted apart: they must not end the requests for stops.
        self._requests = RowRequests(runtime)
        self._newest: NewestFirst[CampaignResponse] | None = None
        self._ended: dict[int, str] = {}

    @property
    def cause(self) -> str:
        return self._requests.cause

    @property
    def is_read(self) -> bool:
        return self._newest is not None

    def ended_among(self, bsg_ids: Set[int]) -> dict[int, str]:
        """Return the final statuses of those that have ended, as far as the list shows that cheaply.

        An end is final, so no page is read twice for it.
        """
        self._newest = self._newest or newest_campaigns(self._runtime)
        if not self.cause:  # guard: stop-ends-listed-once
            for campaign in read_back(
                self._newest, self._requests, min(bsg_ids), instead_of=len(bsg_ids), at_most=LISTED_SECONDS
            ):
                if campaign.status in FINAL:
                    self._ended[campaign.id] = campaign.status
        return {bsg_id: self._ended[bsg_id] for bsg_id in bsg_ids if bsg_id in self._ended}

    def statuses(self, bsg_ids: Set[int]) -> dict[int, str]:
        """Return the statuses that the list shows now, as far as it shows them cheaply."""
        if self.cause:  # guard: stop-list-failed-once
            return {}
        listed = listed_campaigns(
            self._runtime, self._requests, bsg_ids, instead_of=len(bsg_ids), at_most=LISTED_SECONDS
        )
        return {bsg_id: campaign.status for bsg_id, campaign in listed.items()}

    def has_read_back_to(self, bsg_id: int) -> bool:
        return self._newest is not None and self._newest.lowest is not None and self._newest.lowest <= bsg_id


class _Part:
    """The stops of a pass that are taken together."""

    def __init__(self, runtime: Runtime, requests: RowRequests, campaigns: _CampaignList) -> None:
        self._runtime = runtime
        self._requests = requests
        self._campaigns = campaigns
        self._lock = Lock()
        self._handled: set[int] = set()
        self._refused: list[int] = []
        self._refused_before: dict[int, str] = {}
        self._in_creation: set[int] = set()

    def stop(self, due: Sequence[str]) -> int:
        """Return how many of the stops are over."""
        refused_before = self._runtime.ledger.reading.refused_stops(self._runtime.account.id, due)
        self._refused_before = {int(bsg_id): status for bsg_id, status in refused_before.items()}
        waiting = [bsg_id for bsg_id, status in self._refused_before.items() if status == CREATION]
        if len(waiting) <= FEW:
            waiting = []
        others = [int(bsg_id) for bsg_id in due if int(bsg_id) not in waiting]
        over = self._ask_for_those_not_ended(others) + self._ask_for_those_out_of_creation(waiting)
        not_asked = [bsg_id for bsg_id in due if int(bsg_id) not in self._handled]
        # If BSG refuses all that the account asks for, the next pass may wait.
        if not_asked and not self._requests.refused:  # guard: stop-rest-at-once
            self._runtime.ledger.due_indexes.give_back(DueIndex.STOPS, not_asked, account=self._runtime.account.id)
        return over

    def _ask_for_those_not_ended(self, bsg_ids: Sequence[int]) -> int:
        """Ask for all but those that BSG lists as ended: it cannot stop them any more.

        The list is read further only once BSG refused stops in this pass: what it can stop must not wait for a list.
        """
        read_on = self._campaigns.is_read and len(bsg_ids) > FEW  # guard: stop-not-ended
        ended = self._campaigns.ended_among(set(bsg_ids)) if read_on else {}
        over = sum(self._recorded(bsg_id, status) for bsg_id, status in ended.items())
        return over + self._ask_for(shuffled([bsg_id for bsg_id in bsg_ids if bsg_id not in ended]))

    def _ask_for_those_out_of_creation(self, bsg_ids: Sequence[int]) -> int:
        """Ask for all but those that BSG still lists in creation, in which it refused to stop them.

        One of these is asked for first. It shows whether the list is behind: then the others are asked for too.
        """
        listed = self._campaigns.statuses(set(bsg_ids)) if bsg_ids else {}
        in_creation = shuffled([bsg_id for bsg_id in bsg_ids if listed.get(bsg_id) == CREATION])
        first, others = in_creation[:1], in_creation[1:]  # guard: stop-list-behind
        over = self._ask_for(first + shuffled([bsg_id for bsg_id in bsg_ids if bsg_id not in in_creation]))
        if first and first[0] not in self._in_creation:  # guard: stop-others-after-first
            return over + self._ask_for(others)
        for bsg_id in others:
            self._put_off(bsg_id, CREATION)
        return over

    def _ask_for(self, bsg_ids: Sequence[int]) -> int:
        """Ask BSG to stop them, for `ASKED_SECONDS` at most. Return how many of the stops are over."""
        # The time of the list is not counted: a list that does not respond must not keep BSG from being asked.
        ask_until = clock.monotonic() + ASKED_SECONDS  # guard: stop-though-list-is-slow
        over = self._requests.each(bsg_ids, lambda bsg_id: clock.monotonic() < ask_until and self._ask(bsg_id))
        refused, self._refused = self._refused, []
        return over + self._ended_by_status(refused)

    def _ask(self, bsg_id: int) -> bool:
        with self._lock:
            self._handled.add(bsg_id)
        try:
            status = self._runtime.client.stop(bsg_id)
        except ReadFailed as failure:
            if is_not_found(failure):
                self._denied(bsg_id)
            raise
        if status is not None:
            return self._recorded(bsg_id, status)
        with self._lock:
            self._refused.append(bsg_id)
        return False

    def _ended_by_status(self, refused: Sequence[int]) -> int:
        """Read the statuses of campaigns that BSG refused to stop. Only the status shows whether a stop is over."""
        statuses: dict[int, str] = {}
        if len(refused) > FEW:
            statuses = self._campaigns.ended_among(set(refused))
            others = {bsg_id for bsg_id in set(refused) - statuses.keys() if self._campaigns.has_read_back_to(bsg_id)}
            statuses |= self._campaigns.statuses(others)

        def read(bsg_id: int) -> bool:
            return self._recorded(bsg_id, statuses.get(bsg_id) or self._runtime.client.campaign(bsg_id).status)

        return self._requests.each(refused, read)

    def _recorded(self, bsg_id: int, status: str) -> bool:
        """Record the status. Return whether the stop is over."""
        if status not in FINAL:  # guard: stop-until-final
            self._put_off(bsg_id, status)
            return False
        with self._lock:
            self._handled.add(bsg_id)
        self._runtime.ledger.batches.stopped(self._runtime.account.id, bsg_id, status=status)
        return True

    def _put_off(self, bsg_id: int, status: str) -> None:
        """Put the stop off, briefly if BSG may obey the next one: in creation, or if the status is another one now."""
        with self._lock:
            self._handled.add(bsg_id)
            if status == CREATION:
                self._in_creation.add(bsg_id)
        same = self._refused_before.get(bsg_id) == status
        seconds = AGAIN_SECONDS if same and status != CREATION else AGAIN_SOON_SECONDS  # guard: stop-soon-while-created
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
