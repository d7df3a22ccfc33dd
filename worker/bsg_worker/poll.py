"""Reads BSG's status of every batch that is there: in bulk when many are due, one by one when few."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from random import SystemRandom

from bsg_ledger.records import BatchRecord
from bsg_ledger.rooms import Room
from bsg_producer.envelope import Envelope
from bsg_worker.client.answers import CampaignAnswer
from bsg_worker.client.outcomes import ReadFailed
from bsg_worker.dropped import reject_dropped
from bsg_worker.moments import moment
from bsg_worker.pace import FINAL, next_poll
from bsg_worker.read_failures import obey
from bsg_worker.runtime import Runtime

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
    read, causes = 0, list[str]()
    try:
        for record, answer in _answers(runtime, records):
            try:
                _record(runtime, record, answer())
                read += 1
            except ReadFailed as error:
                if error.speaks_for_all:
                    raise
                causes.append(error.cause)
    except ReadFailed as error:
        obey(runtime, error)
        causes.append(error.cause)
    if causes:
        return f"read {read} of {len(records)} batches: {', '.join(dict.fromkeys(causes))}"
    return f"read {read} batches"


Answered = Callable[[], CampaignAnswer]


def _answers(runtime: Runtime, records: Sequence[BatchRecord]) -> Iterator[tuple[BatchRecord, Answered]]:
    """Each batch and how to get BSG's answer: those of a list are there, the others are asked for one by one."""
    missing = list(records)
    if len(records) > ONE_BY_ONE_AT_MOST:
        wanted = {record.bsg_campaign_id: record for record in records}
        now = moment(runtime.ledger.rooms.now_ms())
        oldest = moment(min(record.submitted_ms for record in records))
        for answer in runtime.client.campaigns(max(oldest - ZONE_MARGIN, now - LISTABLE), now + ZONE_MARGIN):
            record = wanted.pop(answer.id, None)
            if record is not None:
                yield record, partial(_itself, answer)
            if not wanted:
                break
        missing = list(wanted.values())
    # In any order: what always fails must not stand before the same others each time.
    for record in SystemRandom().sample(missing, min(len(missing), ONE_BY_ONE_AT_MOST)):
        yield record, partial(runtime.client.campaign, record.bsg_campaign_id or 0)


def _itself(answer: CampaignAnswer) -> CampaignAnswer:
    return answer


def _record(runtime: Runtime, record: BatchRecord, answer: CampaignAnswer) -> None:
    envelope = Envelope.from_json(record.envelope)
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
    runtime.ledger.batches.polled(
        record.campaign_id,
        record.batch,
        status=answer.status,
        final=answer.status in FINAL,
        statistics=json.dumps(answer.statistics),
        price=answer.price or "",
        currency=answer.currency or "",
        total_messages=total,
        next_poll_ms=None if wait is None else int(wait * 1000),
    )
