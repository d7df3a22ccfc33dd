"""Read BSG's status of every submitted batch: in bulk if many are due, one by one if few are."""

from __future__ import annotations

import json
import logging

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import CampaignResponse
from bsg_config import clock
from bsg_config.spans import Span
from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.records import BatchRecord
from bsg_messages.campaign_options import CampaignOptions
from bsg_worker.campaign_traces import span_of_end
from bsg_worker.failures import concerning
from bsg_worker.pace import FINAL, next_poll
from bsg_worker.poll.dropped import reject_dropped
from bsg_worker.poll.listed import listed_campaigns
from bsg_worker.read_failures import is_account_wide, is_not_found
from bsg_worker.row_requests import RowRequests, shuffled
from bsg_worker.runtime import Runtime

LOGGER = logging.getLogger(__name__)

AT_ONCE = 2000
PUT_OFF_SECONDS = 60.0  # a thread has so long to read a due batch before another takes it
AT_MOST_SECONDS = 30.0  # the sweep and reconcile need the same threads; the next tick continues
MAX_ONE_BY_ONE = 10
UNREAD_SECONDS = 3600.0  # after so long, it affects only this campaign, or needs an operator anyway
OPERATOR_POLL_SECONDS = 300.0  # for a batch that needs an operator already


def poll(runtime: Runtime) -> str:
    """Poll the batches that are due, and record their statuses."""
    due = runtime.ledger.due_indexes.take_due(
        DueIndex.LIVE, account=runtime.account.id, at_most=AT_ONCE, put_off_ms=int(PUT_OFF_SECONDS * 1000)
    )
    records = [
        record
        for record in runtime.ledger.reading.batch_records(map(BatchId, due))
        if record.bsg_campaign_id is not None
    ]
    if not records:
        return ""
    stop_at = clock.monotonic() + AT_MOST_SECONDS
    requests = RowRequests(runtime)
    missing = records
    looks: list[tuple[BatchRecord, CampaignResponse | None]] = []
    if len(records) > MAX_ONE_BY_ONE:
        listed = listed_campaigns(runtime, requests, {record.bsg_campaign_id or 0 for record in records})
        looks = [(record, listed[record.bsg_campaign_id]) for record in records if record.bsg_campaign_id in listed]
        missing = [record for record in records if record.bsg_campaign_id not in listed]
    looks += [(record, None) for record in shuffled(missing)[:MAX_ONE_BY_ONE]]
    left: list[BatchId] = []

    def look(one: tuple[BatchRecord, CampaignResponse | None]) -> bool:
        record, response = one
        if clock.monotonic() >= stop_at:
            left.append(record.id)
            return False
        with concerning(campaign=record.id.campaign_id, batch=record.id, attempt=record.attempts):
            _look(runtime, record, response)
        return True

    read = requests.each(looks, look)
    if left:
        runtime.ledger.due_indexes.give_back(DueIndex.LIVE, left, account=runtime.account.id)
    outcome = f"read {read} of {len(records)} batches: {requests.cause}" if requests.cause else f"read {read} batches"
    return f"{outcome}, {len(left)} left for the next" if left else outcome


def _look(runtime: Runtime, record: BatchRecord, listed: CampaignResponse | None) -> None:
    """Record the status of one batch. Raise `ReadFailed` if BSG's response is unusable."""
    try:
        options = CampaignOptions.from_json(record.options)
    except ValueError as error:
        LOGGER.error("batch %s: %s", record.id, error)
        return
    lost = False
    try:
        try:
            response = listed or runtime.client.campaign(record.bsg_campaign_id or 0)
        except ReadFailed as failure:
            lost = is_not_found(failure)
            raise
        _record(runtime, record, options, response)
    except ReadFailed as failure:
        if not is_account_wide(failure):
            _unread(runtime, record, options, failure, lost=lost)
        raise


def _unread(
    runtime: Runtime, record: BatchRecord, options: CampaignOptions, failure: ReadFailed, *, lost: bool
) -> None:
    """Record that BSG's response is unusable, or that BSG denies the campaign. If that lasts, ask an operator."""
    bsg_id = record.bsg_campaign_id or 0
    if record.state == "finished":
        # A finished batch stays finished, even if BSG denies it. Its polls continue as before.
        runtime.ledger.batches.polled(
            record.id,
            status=record.bsg_status or "",
            final=True,
            statistics=json.dumps(record.statistics),
            price="",
            currency="",
            total_messages=None,
            next_poll_ms=_milliseconds(_wait(runtime, record, options, "done")),
        )
        return
    runtime.ledger.batches.unread(
        record.id,
        bsg_campaign_id=bsg_id,
        lost=lost,
        longer_than_ms=runtime.operator_after_ms if lost else int(UNREAD_SECONDS * 1000),
        cause=f"BSG does not know campaign {bsg_id}" if lost else f"campaign {bsg_id}: {failure.cause}",
        next_poll_ms=int((OPERATOR_POLL_SECONDS if record.needs_operator else PUT_OFF_SECONDS) * 1000),
    )


def _wait(runtime: Runtime, record: BatchRecord, options: CampaignOptions, status: str) -> float | None:
    """Return the seconds until the next poll; None if nothing can change any more."""
    return next_poll(
        status,
        interval=runtime.settings.bsg_poll_interval,
        now=runtime.ledger.due_indexes.now(),
        submitted_at=record.submitted_at or record.accepted_at,
        start_at=options.start_at,
        finished_at=record.finished_at,
        validity_hours=options.validity,
    )


def _record(runtime: Runtime, record: BatchRecord, options: CampaignOptions, response: CampaignResponse) -> None:
    # Do this before the batch is finished, because a finished batch is not checked again.
    total = reject_dropped(runtime, record, response)
    if total is None:
        return
    wait = runtime.account.bsg_confirm_within if total.ages else _wait(runtime, record, options, response.status)
    final = response.status in FINAL and not total.ages  # guard: unfinished-while-missing
    with span_of_end(runtime, record, response.status) if final else Span():
        runtime.ledger.batches.polled(
            record.id,
            status=response.status,
            final=final,
            statistics=json.dumps(response.statistics),
            price=response.price or "",
            currency=response.currency or "",
            total_messages=total.messages,
            next_poll_ms=_milliseconds(wait),
        )


def _milliseconds(wait: float | None) -> int | None:
    return None if wait is None else int(wait * 1000)
