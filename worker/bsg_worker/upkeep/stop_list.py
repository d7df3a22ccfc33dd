"""Synchronise opt-outs: read BSG's stop list and, with BSG_PUSH_STOPLIST, add our suppressed phones to it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import StopListPage
from bsg_config import clock
from bsg_ledger.stop_list import PUSH, StopListProgress
from bsg_ledger.suppressions import HERE, source_at_bsg
from bsg_worker.row_requests import RowRequests
from bsg_worker.runtime import Runtime

AT_MOST_SECONDS = 10.0  # a third of the time between two ticks: polls wait for slots of the same limit
ATTACHED_AT_ONCE = 1_000  # BSG: POST /api/stoplist/attach
PUT_OFF_SECONDS = 600.0


def sync_stop_list(runtime: Runtime) -> str:
    """Do the step that is due for one account: read pages of BSG's stop list, then attach the phones that it lacks.

    Nothing is removed from either list: only an operator removes a phone, from both lists. The next tick continues an
    unfinished synchronisation from the step in the ledger.
    """
    progress = runtime.ledger.stop_list(runtime.account.name)
    step = progress.step()
    if step is None:
        return ""
    requests, synced = RowRequests(runtime), _Sync(runtime, progress)
    with requests.one():
        synced.go_on_from(step)
    if requests.cause:
        progress.record(synced.step, due_in=min(PUT_OFF_SECONDS, runtime.settings.bsg_stoplist_interval))
        return f"BSG's stop list: {requests.cause}"
    return f"BSG's stop list: {synced.read} read, {synced.new} new here, {synced.attached} attached"


class _Sync:
    """One run. `step` is the next step."""

    def __init__(self, runtime: Runtime, progress: StopListProgress) -> None:
        self._runtime, self._progress = runtime, progress
        self._stop_at = clock.monotonic() + AT_MOST_SECONDS
        self._source = source_at_bsg(runtime.account.name)
        self.step = "0"
        self.read = self.new = self.attached = 0

    def go_on_from(self, step: str) -> None:
        """Continue until everything is done, or the time is over. Raise ReadFailed."""
        self.step = step
        if self.step != PUSH and not self._read_pages(int(self.step)):
            return
        if self.step == PUSH and not self._attach():
            return
        self._record("0", due_in=self._runtime.settings.bsg_stoplist_interval)

    def _read_pages(self, offset: int) -> bool:
        """Read from an offset on. Return False if the time is over before the end of the list."""
        before: StopListPage | None = None
        while self._has_time():
            page = self._runtime.client.stop_list(offset)
            if before is not None and page.rows and page.phones == before.phones:
                raise ReadFailed("a list that does not go on", status=200)
            offset += page.rows  # guard: stop-list-offset
            before = page
            is_last = page.rows == 0 or (page.total is not None and offset >= page.total)
            following = PUSH if self._runtime.account.bsg_push_stoplist else "0"
            self.new += self._record(following if is_last else str(offset), phones=page.phones)
            self.read += len(page.phones)
            if is_last:
                return True
        return False

    def _attach(self) -> bool:
        """Attach phones that were suppressed here and are not on BSG's list. Return False if the time is over first."""
        missing = self._missing()
        while some := list(islice(missing, ATTACHED_AT_ONCE)):
            if not self._has_time():
                return False
            self._runtime.client.attach_to_stop_list([int(phone) for phone in some])
            self._runtime.ledger.suppressions.note(some, self._source)
            self.attached += len(some)
        return True

    def _missing(self) -> Iterator[str]:
        for suppressed in self._runtime.ledger.suppressions.with_sources():
            if HERE in suppressed.sources and self._source not in suppressed.sources:  # guard: stop-list-ours-once
                yield suppressed.phone

    def _record(self, step: str, *, due_in: float = 0.0, phones: tuple[str, ...] = ()) -> int:
        new = self._progress.record(step, due_in=due_in, phones=phones)
        self.step = step
        return new

    def _has_time(self) -> bool:
        return clock.monotonic() < self._stop_at
