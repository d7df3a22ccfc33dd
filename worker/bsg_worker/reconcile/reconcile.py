"""Look up at BSG the batches that were on the wire without a clear response."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import CampaignDetail, MessageRow
from bsg_config import clock
from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.records import BatchRecord
from bsg_messages.bodies import rejected, without
from bsg_messages.body_cipher import DecryptionError
from bsg_messages.rejects import RejectCode, Violation
from bsg_worker.failures import concerning
from bsg_worker.logs import decided
from bsg_worker.pace import FIRST_POLL_SECONDS
from bsg_worker.passes import one_at_a_time
from bsg_worker.read_failures import is_not_found
from bsg_worker.reconcile.lookup import Finding, Found, Lookup, NoTrace, Reads, Undecided, UsedBefore, samples_of
from bsg_worker.reconcile.postponed import kept_postponed
from bsg_worker.reconcile.read_back import Wanted, read_back
from bsg_worker.reconcile.read_once import FromLists, ReadOnce
from bsg_worker.reconcile.spans import LISTABLE
from bsg_worker.row_requests import RowRequests, shuffled
from bsg_worker.runtime import Runtime

AT_ONCE = 500  # batches in doubt that share the lists of one pass
MAX_LOOKS = 3  # for one batch in a pass: requests of a look may fail
MAX_GAP_SECONDS = 60.0
OPERATOR_GAP_SECONDS = 300.0  # a batch that needs an operator is still looked up: a late trace decides it

LOGGER = logging.getLogger(__name__)

_TAKEN = Violation(
    "reference_id",
    RejectCode.REFERENCE_ID_TAKEN,
    "BSG has an earlier message with this reference id: give each message one of its own",
)


def reconcile(runtime: Runtime) -> str:
    """Look up each batch in doubt that is due. Return the findings as counts.

    A process runs one pass at a time: many doubts take minutes, and would block all threads of sweep and poll.
    """
    return one_at_a_time(runtime.looking, lambda: _run_pass(runtime))


def _run_pass(runtime: Runtime) -> str:
    gap = min(runtime.account.bsg_confirm_within, MAX_GAP_SECONDS)
    due = runtime.ledger.due_indexes.take_due(
        DueIndex.DOUBT, account=runtime.account.id, at_most=AT_ONCE, put_off_ms=int(gap * 1000)
    )
    records = _unconfirmed(runtime, map(BatchId, due))
    if not records:
        return ""
    looks = _Looks(runtime, records)
    with kept_postponed(runtime, records, gap):
        looks.read_back(records)
        # Do the cheap look-ups first: each match removes an orphan from the expensive search.
        looks.take([record for record in records if record.id not in looks.decided], looks.by_reference_ids)
        looks.take(_unchanged(runtime, looks.without_trace), looks.among_orphans)
    return "; ".join(filter(None, (*looks.outcomes, looks.requests.cause)))


def _unconfirmed(runtime: Runtime, batches: Iterable[BatchId]) -> list[BatchRecord]:
    records = runtime.ledger.reading.batch_records(batches)
    return [record for record in records if record.state == "unconfirmed"]


def _unchanged(runtime: Runtime, records: Sequence[BatchRecord]) -> list[BatchRecord]:
    """Return the batches that are still in doubt with the same attempt. The pass proves nothing about a later one."""
    attempts = {record.id: record.attempts for record in records}
    # guard: attempt-before-pass
    return [record for record in _unconfirmed(runtime, attempts) if record.attempts == attempts[record.id]]


class _Looks:
    """The looks of one pass."""

    def __init__(self, runtime: Runtime, records: Sequence[BatchRecord]) -> None:
        self.requests = RowRequests(runtime)
        self.outcomes: list[str] = []
        self.without_trace: list[BatchRecord] = []
        self.decided: set[BatchId] = set()
        self._runtime = runtime
        self._began = clock.monotonic()
        self._earliest = min(record.since for record in records)
        # Many campaigns in doubt at once are each other's orphans. Reading them again for each batch would take a
        # quadratic number of requests.
        self._reads = self._shared({})
        self._found_in: Reads = self._reads

    def _shared(self, by_reference: Mapping[str, Sequence[MessageRow]]) -> ReadOnce:
        now = self._runtime.ledger.due_indexes.now()
        return ReadOnce(self._runtime.client, self._earliest, now, by_reference)

    def read_back(self, records: Sequence[BatchRecord]) -> None:
        """Read BSG's newest messages once for all batches, if that takes less time than single look-ups.

        Batches that a page shows are looked up at once.
        """
        made = _lookup(self._runtime, self._reads).made
        shown: dict[Wanted, BatchRecord] = {}
        for record in records:
            try:
                rows = self._runtime.messages_of(record.id)
            except DecryptionError as error:
                # The pass goes on: the batches beside it may be found.
                self.outcomes.append(f"{_ask(self._runtime, record, str(error))}: {error}")
                self.decided.add(record.id)
                continue
            samples = samples_of(rows, record.suspects or ())
            shown[Wanted(samples, record.since, older_too=record.suspects is not None)] = record
        wanted = list(shown)

        def look_up(seen: Sequence[Wanted]) -> Collection[Wanted]:
            self.take([shown[one] for one in seen], self.by_hits)
            return [one for one in seen if shown[one].id in self.decided]

        done = read_back(self._runtime.client.newest_messages(), wanted, made, self.requests, look_up)
        self._reads = self._shared(done.by_reference)
        self._found_in = FromLists(self._reads, done.totals)

    def take(self, records: Sequence[BatchRecord], look: Callable[[BatchRecord], None]) -> None:
        """Look up each batch, again if a request failed, unless BSG does not respond at all."""
        failed: list[BatchRecord] = []

        def one(record: BatchRecord) -> bool:
            try:
                with concerning(campaign=record.id.campaign_id, batch=record.id, attempt=record.attempts):
                    look(record)
            except ReadFailed as failure:
                if is_not_found(failure):
                    _ask(self._runtime, record, "BSG does not know a campaign that it lists")
                else:
                    failed.append(record)
                raise
            return True

        left = records
        for _ in range(MAX_LOOKS):
            self.requests.each(shuffled(left), one)
            left, failed = failed, []
            if not left or self.requests.over:
                break

    def by_hits(self, record: BatchRecord) -> None:
        """Look up a batch that BSG's list shows. Requests without a trace decide nothing, as the list has one."""
        rows = self._runtime.messages_of(record.id)
        finding = _lookup(self._runtime, self._reads).by_reference_ids(record, rows)
        if finding is not None:
            self._found(record, rows, finding)

    def by_reference_ids(self, record: BatchRecord) -> None:
        rows = self._runtime.messages_of(record.id)
        finding = _lookup(self._runtime, self._found_in).by_reference_ids(record, rows)
        if finding is None:
            self.without_trace.append(record)
        else:
            self._found(record, rows, finding)

    def among_orphans(self, record: BatchRecord) -> None:
        rows = self._runtime.messages_of(record.id)
        self._found(record, rows, _lookup(self._runtime, self._reads).among_orphans(record, rows))

    def _found(self, record: BatchRecord, rows: list[Any], finding: Finding) -> None:
        if not isinstance(finding, NoTrace):  # guard: trace-clears-confirmation
            self._runtime.confirmations.forget(record.id)
        outcome = _act(self._runtime, record, rows, finding, self._began)
        decided(LOGGER, outcome, campaign=record.id.campaign_id, batch=record.id, attempt=record.attempts)
        self.outcomes.append(outcome)
        self.decided.add(record.id)


def look_up(runtime: Runtime, record: BatchRecord, rows: Sequence[Any], reads: Reads) -> Finding:
    """Look once for a batch at BSG. Raise `ReadFailed` when BSG does not respond."""
    return _lookup(runtime, reads).look(record, rows)


def _lookup(runtime: Runtime, reads: Reads) -> Lookup:
    return Lookup(
        client=reads,
        time=runtime.bsg_time,
        owner=partial(runtime.ledger.reading.owner, runtime.account.id),
        orphans=partial(runtime.ledger.reading.orphans, runtime.account.id),
        now=runtime.ledger.due_indexes.now(),
    )


def record_found(runtime: Runtime, record: BatchRecord, campaigns: Sequence[CampaignDetail]) -> str:
    """Record that BSG has the batch. Return its state, or `owned`.

    All campaigns are recorded in one step, so that a crash loses none. A second one is an alarm, and is stopped.
    """
    campaign, *others = campaigns
    return runtime.ledger.batches.taken(
        record.id,
        account=runtime.account.id,
        bsg_campaign_id=campaign.id,
        bsg_status=campaign.status,
        next_poll_ms=int(min(FIRST_POLL_SECONDS, runtime.settings.bsg_poll_interval) * 1000),
        cause="found at BSG",
        price=campaign.price or "",
        currency=campaign.currency or "",
        others=[other.id for other in others],  # guard: all-campaigns-recorded
    )


def _act(runtime: Runtime, record: BatchRecord, rows: list[Any], finding: Finding, began: float) -> str:
    match finding:
        case Found(campaigns):
            return record_found(runtime, record, campaigns)
        case UsedBefore(positions):
            return _reject_used(runtime, record, rows, positions)
        case Undecided(cause):
            return f"{_ask(runtime, record, cause)}: {cause}"
        case NoTrace():
            return _no_trace(runtime, record, began)


def _ask(runtime: Runtime, record: BatchRecord, cause: str) -> str:
    return runtime.ledger.batches.ask_operator(
        record.id, attempts=record.attempts, older_than_ms=runtime.operator_after_ms, cause=cause
    )


def _no_trace(runtime: Runtime, record: BatchRecord, began: float) -> str:
    account = runtime.account
    confirmed = runtime.confirmations.confirm(
        record.id,
        finding=record.attempts,
        # guard: look-as-old-as-its-pass
        began=began,  # the pass may share reads that are as old as its beginning
        ended=clock.monotonic(),
        confirm_within=account.bsg_confirm_within,
    )
    if not confirmed:  # guard: absence-confirmed
        return "no trace yet"
    old = runtime.ledger.due_indexes.now() - record.since > LISTABLE
    state = runtime.ledger.batches.absent(
        record.id,
        attempts=record.attempts,
        duplicate_window_ms=int(account.bsg_duplicate_window * 1000),
        delay_ms=0,
        look_again_ms=int(max(OPERATOR_GAP_SECONDS, account.bsg_confirm_within) * 1000),
        cause="no trace, but BSG may not show what is that old" if old else "BSG surely does not have it",
        sure=not old,
    )
    return "needs an operator" if state == "needs_operator" else state


def _reject_used(runtime: Runtime, record: BatchRecord, rows: list[Any], positions: frozenset[int]) -> str:
    indexes = runtime.ledger.reading.rows(record.id)
    rest, rest_rows = without(rows, indexes, set(positions), runtime.cipher)
    state = runtime.ledger.batches.shrink(
        record.id,
        state="unconfirmed",
        size=record.size,
        rest=rest,
        rest_rows=rest_rows,
        cause="reference ids used before",
        rejects=rejected(rows, indexes, dict.fromkeys(positions, _TAKEN)),
    )
    return f"{len(positions)} reference ids used before" if state == "shrunk" else state
