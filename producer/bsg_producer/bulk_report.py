"""Read a batch's delivery reports from one statistics job instead of a page for every 500 messages."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import StatisticsRow
from bsg_config import clock
from bsg_ledger.records import Batch
from bsg_producer.bsg_reads import BSGReads
from bsg_producer.reporting import MessageReport

MIN_MESSAGES = 1_501  # a job takes at least three requests, as many as 1 500 messages in pages
BEFORE_CREATION = timedelta(minutes=1)
AFTER_CREATION = timedelta(hours=1)
MAX_JOB_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.25


def report_in_bulk(reads: BSGReads, batch: Batch, bsg_id: int) -> list[MessageReport] | None:
    """Return a report of each message of the batch from a statistics job.

    BSG's rows name neither the campaign nor the reference id. They are used only if they match the batch exactly: one
    row for each phone, with the same text. Return None if they do not match, if the account has no jobs, or if the
    messages are forgotten. Raise ReadFailed when BSG does not respond.
    """
    messages = {str(message["phone"]): (index, message) for index, message in reads.messages_of(batch.id).items()}
    if not messages:
        return None
    created_at = reads.client.campaign(bsg_id).created_at
    if created_at is None:
        return None
    key = reads.client.statistics_jobs.order(
        since=created_at - BEFORE_CREATION,
        until=created_at + AFTER_CREATION,
        phones=[message["phone"] for _, message in messages.values()],
    )
    if key is None:
        return None
    rows = _read_when_done(reads, key)
    by_phone = {row.phone: row for row in rows if row.phone in messages and row.text == messages[row.phone][1]["text"]}
    if len(rows) != len(messages) or by_phone.keys() != messages.keys():
        return None
    return [_report(index, message["reference_id"], by_phone[phone]) for phone, (index, message) in messages.items()]


def _read_when_done(reads: BSGReads, key: str) -> Sequence[StatisticsRow]:
    """Return the job's rows; none if it takes too long. Delete the job in any case."""
    stop_at = clock.monotonic() + MAX_JOB_SECONDS
    pause = FIRST_PAUSE_SECONDS
    try:
        while (rows := reads.client.statistics_jobs.read(key)) is None and clock.monotonic() < stop_at:
            clock.sleep(pause)
            pause *= 2
    finally:
        with suppress(ReadFailed):  # the job that is left only takes one of the account's slots
            reads.client.statistics_jobs.delete(key)
    return rows or []


def _report(index: int, reference_id: str, row: StatisticsRow) -> MessageReport:
    return MessageReport(
        index=index,
        phone=row.phone,
        reference_id=reference_id,
        status=row.status,
        price=row.price,
        currency=row.currency,
        sent_at=row.sent_at,
        delivered_at=row.delivered_at,
    )
