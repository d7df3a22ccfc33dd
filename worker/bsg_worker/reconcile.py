"""Settles doubt: what was on the wire without a clear answer is looked up at BSG."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from bsg_config import clock
from bsg_config.crash_points import CrashPoint, reached
from bsg_ledger.batches import batch_id as batch_id_of
from bsg_ledger.records import BatchRecord
from bsg_ledger.rooms import Room
from bsg_producer.rejects import Reject, RejectCode
from bsg_worker.bodies import unpacked, without
from bsg_worker.client.answers import CampaignDetail
from bsg_worker.client.outcomes import ReadFailed
from bsg_worker.lookup import Finding, Found, Lookup, NoTrace, Reads, Undecided, UsedBefore
from bsg_worker.moments import moment
from bsg_worker.pace import FIRST_POLL_SECONDS
from bsg_worker.read_failures import denies
from bsg_worker.read_once import ReadOnce
from bsg_worker.runtime import Runtime
from bsg_worker.spans import LISTABLE
from bsg_worker.turns import Turns, by_lot

AT_ONCE = 50
LONGEST_GAP_SECONDS = 60.0
ASKING_GAP_SECONDS = 300.0  # a batch that waits for a person is still looked for: a late id settles it


def reconcile(runtime: Runtime) -> str:
    """Looks for each batch in doubt whose time has come; answers what was found, as counts."""
    gap = min(runtime.settings.bsg_confirm_within, LONGEST_GAP_SECONDS)
    due = runtime.ledger.rooms.take_due(
        Room.DOUBT, account=runtime.account, at_most=AT_ONCE, put_off_ms=int(gap * 1000)
    )
    records = [record for record in runtime.ledger.reading.batch_records(due) if record.state == "unconfirmed"]
    if not records:
        return "nothing in doubt is due"
    began = clock.monotonic()
    earliest = min(record.first_intent_ms for record in records)
    # Many in doubt at once are each other's strangers: were these read for each of them anew, a round would cost
    # their number squared.
    reads = ReadOnce(runtime.client, moment(earliest), moment(runtime.ledger.rooms.now_ms()))
    outcomes: list[str] = []
    turns = Turns(runtime)
    for record in by_lot(records):
        reached(CrashPoint.RECONCILE_DUE_TAKEN)
        with turns.turn():
            outcomes.append(_reconcile(runtime, record, reads, began))
        if turns.over:
            break
    return "; ".join(filter(None, (*outcomes, turns.cause)))


def _reconcile(runtime: Runtime, record: BatchRecord, reads: Reads, began: float) -> str:
    """Looks once for one batch and acts on the finding; answers what came of it."""
    body = runtime.ledger.reading.body(record.campaign_id, record.batch)
    rows = [] if body is None else json.loads(unpacked(body))
    identifier = batch_id_of(record.campaign_id, record.batch)
    try:
        finding = look_up(runtime, record, rows, reads)
    except ReadFailed as failure:
        if denies(failure):
            _ask(runtime, record, "BSG does not know a campaign that it lists")
        raise
    reached(CrashPoint.RECONCILE_LOOKED)
    if not isinstance(finding, NoTrace):
        runtime.evidence.forget(identifier)
    outcome = _act(runtime, record, identifier, rows, finding, began)
    reached(CrashPoint.RECONCILE_RECORDED)
    return outcome


def look_up(runtime: Runtime, record: BatchRecord, rows: Sequence[Any], reads: Reads) -> Finding:
    """One look at BSG for a batch. Raises `ReadFailed` when BSG does not answer."""
    look = Lookup(
        client=reads,
        time=runtime.bsg_time,
        owner=partial(runtime.ledger.reading.owner, runtime.account),
        without_owner=partial(runtime.ledger.reading.without_owner, runtime.account),
        now=moment(runtime.ledger.rooms.now_ms()),
    )
    return look.look(record, batch_id_of(record.campaign_id, record.batch), rows)


def record_found(runtime: Runtime, record: BatchRecord, campaigns: Sequence[CampaignDetail]) -> str:
    """Writes down that BSG has the batch; answers its state, or `owned`.

    All of them at once: a second one is recorded too, stopped, and an alarm (rule 3), whatever dies here.
    """
    campaign, *others = campaigns
    return runtime.ledger.batches.taken(
        record.campaign_id,
        record.batch,
        account=runtime.account,
        bsg_campaign_id=campaign.id,
        bsg_status=campaign.status,
        next_poll_ms=int(min(FIRST_POLL_SECONDS, runtime.settings.bsg_poll_interval) * 1000),
        cause="found at BSG",
        price=campaign.price or "",
        currency=campaign.currency or "",
        others=[other.id for other in others],
    )


def _act(
    runtime: Runtime, record: BatchRecord, identifier: str, rows: list[Any], finding: Finding, began: float
) -> str:
    match finding:
        case Found(campaigns):
            return record_found(runtime, record, campaigns)
        case UsedBefore(places):
            return _reject_used(runtime, record, rows, places)
        case Undecided(cause):
            return f"{_ask(runtime, record, cause)}: {cause}"
        case NoTrace():
            return _no_trace(runtime, record, identifier, began)


def _ask(runtime: Runtime, record: BatchRecord, cause: str) -> str:
    return runtime.ledger.batches.ask(
        record.campaign_id, record.batch, attempts=record.attempts, older_than_ms=runtime.ask_after_ms, cause=cause
    )


def _no_trace(runtime: Runtime, record: BatchRecord, identifier: str, began: float) -> str:
    settings = runtime.settings
    confirmed = runtime.evidence.stands(
        identifier,
        finding=record.attempts,
        now=began,  # what was read for another batch of the round may be as old as that
        confirm_within=settings.bsg_confirm_within,
    )
    if not confirmed:
        return "no trace yet"
    old = moment(runtime.ledger.rooms.now_ms()) - moment(record.first_intent_ms) > LISTABLE
    state = runtime.ledger.batches.absent(
        record.campaign_id,
        record.batch,
        attempts=record.attempts,
        duplicate_window_ms=int(settings.bsg_duplicate_window * 1000),
        delay_ms=0,
        look_again_ms=int(max(ASKING_GAP_SECONDS, settings.bsg_confirm_within) * 1000),
        cause="no trace, but BSG may not show what is that old" if old else "BSG surely does not have it",
    )
    return "asks for a person" if state == "asks" else state


def _reject_used(runtime: Runtime, record: BatchRecord, rows: list[Any], places: frozenset[int]) -> str:
    indexes = runtime.ledger.reading.rows(record.campaign_id, record.batch)
    rest, rest_rows = without(rows, indexes, set(places))
    state = runtime.ledger.batches.shrink(
        record.campaign_id,
        record.batch,
        state="unconfirmed",
        size=record.size,
        rest=rest,
        rest_rows=rest_rows,
        cause="reference ids used before",
        rejects=[
            (
                indexes[place],
                Reject(
                    index=indexes[place],
                    phone=str(rows[place]["phone"]),
                    reference_id=rows[place]["reference_id"],
                    field="reference_id",
                    code=RejectCode.REFERENCE_ID_TAKEN,
                    message="BSG has an earlier message with this reference id: give each message one of its own",
                ).to_json(),
            )
            for place in sorted(places)
        ],
    )
    return f"{len(places)} reference ids used before" if state == "shrunk" else state
