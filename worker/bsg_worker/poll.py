"""Reads BSG's status of every batch that is there: in bulk when many are due, one by one when few."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import timedelta

from bsg_config.crash_points import CrashPoint, reached
from bsg_ledger.records import BatchRecord
from bsg_ledger.rooms import Room
from bsg_producer.envelope import Envelope
from bsg_worker.client.answers import CampaignAnswer
from bsg_worker.dropped import reject_dropped
from bsg_worker.moments import moment
from bsg_worker.pace import FINAL, next_poll
from bsg_worker.runtime import Runtime
from bsg_worker.turns import Turns

LOGGER = logging.getLogger(__name__)

AT_ONCE = 2000
PUT_OFF_SECONDS = 60.0  # whoever takes a due batch has so long to read it before another does
ONE_BY_ONE_AT_MOST = 10
LISTABLE = timedelta(days=85)  # GET /api/campaigns: three months at most
ZONE_MARGIN = timedelta(hours=26)  # the list's dates have no zone: wide enough for any


def poll(runtime: Runtime) -> str:
    """Looks at the batches that are due and records what BSG says of them."""
    due = runtime.ledger.rooms.take_due(
        Room.LIVE, account=runtime.account, at_most=AT_ONCE, put_off_ms=int(PUT_OFF_SECONDS * 1000)
    )
    records = [record for record in runtime.ledger.reading.batch_records(due) if record.bsg_campaign_id is not None]
    if records:
        reached(CrashPoint.POLL_DUE_TAKEN)
    turns = Turns(runtime)
    read = 0
    missing = records
    if len(records) > ONE_BY_ONE_AT_MOST:
        read, missing = _poll_listed(runtime, turns, records)
    for record in turns.by_lot(missing)[:ONE_BY_ONE_AT_MOST]:
        if turns.over:
            break
        with turns.turn():
            _record(runtime, record, runtime.client.campaign(record.bsg_campaign_id or 0))
            read += 1
    return f"read {read} of {len(records)} batches: {turns.cause}" if turns.cause else f"read {read} batches"


def _poll_listed(runtime: Runtime, turns: Turns, records: Sequence[BatchRecord]) -> tuple[int, list[BatchRecord]]:
    """Looks at batches in bulk; answers how many were read, and those that BSG does not list."""
    wanted = {record.bsg_campaign_id: record for record in records}
    now = moment(runtime.ledger.rooms.now_ms())
    oldest = moment(min(record.submitted_ms for record in records))
    read = 0
    with turns.turn():
        for answer in runtime.client.campaigns(max(oldest - ZONE_MARGIN, now - LISTABLE), now + ZONE_MARGIN):
            record = wanted.pop(answer.id, None)
            if record is None:
                continue
            with turns.turn():
                _record(runtime, record, answer)
                read += 1
            if turns.over or not wanted:
                break
    return read, list(wanted.values())


def _record(runtime: Runtime, record: BatchRecord, answer: CampaignAnswer) -> None:
    reached(CrashPoint.POLL_READ)
    try:
        envelope = Envelope.from_json(record.envelope)
    except ValueError as error:
        LOGGER.error("batch %d of %s: %s", record.batch, record.campaign_id, error)
        return
    now = moment(runtime.ledger.rooms.now_ms())
    wait = next_poll(
        answer.status,
        interval=runtime.settings.bsg_poll_interval,
        now=now,
        submitted_at=moment(record.submitted_ms),
        start_at=envelope.start_at,
        finished_at=moment(record.finished_ms) if record.finished_ms else None,
        validity_hours=envelope.validity,
    )
    # Before the batch is called finished: a campaign that is final has nothing left to find out.
    total = reject_dropped(runtime, record, answer)
    if total.ages:
        wait = runtime.settings.bsg_confirm_within
    runtime.ledger.batches.polled(
        record.campaign_id,
        record.batch,
        status=answer.status,
        final=answer.status in FINAL and not total.ages,
        statistics=json.dumps(answer.statistics),
        price=answer.price or "",
        currency=answer.currency or "",
        total_messages=total.messages,
        next_poll_ms=None if wait is None else int(wait * 1000),
    )
    reached(CrashPoint.POLL_RECORDED)
