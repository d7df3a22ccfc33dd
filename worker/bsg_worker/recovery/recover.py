"""Recover a ledger that went back: look up its pending batches at BSG before any of them leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bsg_client.outcomes import ReadFailed
from bsg_config import clock
from bsg_ledger.batch_id import BatchId
from bsg_ledger.gate import GateReason
from bsg_ledger.records import BatchRecord, OpenCampaign
from bsg_ledger.times import BEGINNING
from bsg_ledger.work import Prepare
from bsg_messages.body_cipher import DecryptionError
from bsg_worker.prepare.prepare import prepare_chunk
from bsg_worker.reconcile.lookup import Finding, Found, NoTrace, Undecided, UsedBefore
from bsg_worker.reconcile.read_once import ReadOnce
from bsg_worker.reconcile.reconcile import look_up, record_found
from bsg_worker.recovery.audit import Audit
from bsg_worker.runtime import CHUNK_LEASE_MS, CHUNK_LOSSES_ALLOWED, Runtime, new_token

BY = "audit --recover"
LOOK_AGAIN_SECONDS = 0.5
PAUSES_AFTER_FAILURES = (1.0, 5.0, 15.0)
FINAL_WITHOUT_BSG = frozenset({"refused", "expired", "cancelled"})

Report = Callable[[str], None]


@dataclass(slots=True)
class Recovery:
    """The results for the pending batches. `gate_open` is False if another reason keeps the gate shut."""

    found: dict[BatchId, int] = field(default_factory=dict)  # batch -> its BSG campaign
    doubtful: dict[BatchId, str] = field(default_factory=dict)  # batch -> why
    clean: list[BatchId] = field(default_factory=list)
    gate_open: bool = False


def recover(runtime: Runtime, report: Report) -> Recovery:
    """Shut the account's gate, look up every waiting batch twice, and open the gate.

    Raise `ReadFailed` when BSG does not respond. The gate stays shut then, and the findings are recorded.
    """
    runtime.gate.shut(reason=GateReason.LEDGER_WENT_BACK, by=BY)  # guard: recovery-shuts-gate
    shut_at = runtime.gate.state().since or runtime.ledger.due_indexes.now()
    _prepare(runtime, shut_at, report)  # guard: recovery-prepares-chunks
    _let_the_wire_fall_silent(runtime, shut_at, report)  # guard: recovery-waits-for-wire
    recovery, looked = Recovery(), dict[BatchId, int]()
    # guard: recovery-looks-up-waiting
    while waiting := [record for record in _waiting(runtime, shut_at) if looked.get(record.id) != record.attempts]:
        _look_for(runtime, waiting, recovery, report)
        looked |= {record.id: record.attempts for record in waiting}
    recovery.gate_open = runtime.gate.open_recovered(by=BY)
    return recovery


def _ours(runtime: Runtime, shut_at: datetime) -> Iterator[OpenCampaign]:
    """Yield the account's open campaigns that were accepted before the gate was shut. Later ones cannot have left."""
    for campaign in runtime.ledger.reading.open_campaigns():
        if runtime.account.owns(campaign.account, campaign.account_name) and campaign.accepted_at <= shut_at:
            yield campaign


def _prepare(runtime: Runtime, shut_at: datetime, report: Report) -> None:
    """Prepare all chunks: the lost ledger may have sent their batches. Preparation makes the same batches again."""
    chunks = runtime.ledger.chunks
    for campaign in [campaign for campaign in _ours(runtime, shut_at) if campaign.unprepared]:
        report(f"preparing {campaign.campaign_id}")
        while True:
            lease = chunks.lease(
                campaign.campaign_id, new_token(), lease_ms=CHUNK_LEASE_MS, losses_allowed=CHUNK_LOSSES_ALLOWED
            )
            if isinstance(lease, Prepare):
                # Ignore the suppression list, because a look-up needs the same batches as before.
                prepare_chunk(runtime, replace(lease, suppressions=0))
            elif lease.at is None:
                break
            else:
                clock.sleep(min(LOOK_AGAIN_SECONDS, max(0.0, (lease.at - runtime.ledger.due_indexes.now_ms()) / 1000)))


def _let_the_wire_fall_silent(runtime: Runtime, shut_at: datetime, report: Report) -> None:
    """Wait for a lease's length: a request whose intent the ledger lost may still be on the wire."""
    silent_at = shut_at + timedelta(seconds=runtime.settings.lease_seconds)
    while (left := (silent_at - runtime.ledger.due_indexes.now()).total_seconds()) > 0:
        report(f"waiting {left:.0f} s (LEASE_SECONDS): what left before the gate was shut may still be on the wire")
        clock.sleep(min(left, LOOK_AGAIN_SECONDS))


def _waiting(runtime: Runtime, shut_at: datetime) -> Iterator[BatchRecord]:
    for campaign in _ours(runtime, shut_at):
        for record in runtime.ledger.reading.batch_records(campaign.batch_ids):
            if record.state == "pending":
                yield record


def _look_for(runtime: Runtime, waiting: Sequence[BatchRecord], recovery: Recovery, report: Report) -> None:
    """Look twice, BSG_CONFIRM_WITHIN apart by this process's clock, because absence is weak evidence."""
    untraced = _look_once(runtime, waiting, recovery, report, "first look")
    if untraced:
        report(f"waiting {runtime.account.bsg_confirm_within:.0f} s (BSG_CONFIRM_WITHIN) for the second look")
        clock.sleep(runtime.account.bsg_confirm_within)
        untraced = _look_once(runtime, untraced, recovery, report, "second look")  # guard: recovery-looks-twice
    recovery.clean.extend(record.id for record in untraced)


def _look_once(
    runtime: Runtime, records: Sequence[BatchRecord], recovery: Recovery, report: Report, which: str
) -> list[BatchRecord]:
    """Record every trace. Return the batches without a trace."""
    earliest = min(record.accepted_at for record in records)
    reads = ReadOnce(runtime.client, earliest, runtime.ledger.due_indexes.now())
    untraced = []
    for number, record in enumerate(records, 1):
        report(f"{which}: batch {number} of {len(records)}")
        match _look_up_with_retries(runtime, record, reads):
            case NoTrace():
                untraced.append(record)
            case Found(campaigns):
                if record_found(runtime, record, campaigns) == "owned":
                    _mark_in_doubt(runtime, record, "a BSG campaign with messages of two batches", recovery)
                else:
                    recovery.found[record.id] = campaigns[0].id
            case UsedBefore():
                # guard: recovery-ids-used-before
                _mark_in_doubt(runtime, record, "reference ids used before", recovery)
            case Undecided(cause):
                _mark_in_doubt(runtime, record, cause, recovery)  # guard: recovery-undecided
    return untraced


def _look_up_with_retries(runtime: Runtime, record: BatchRecord, reads: ReadOnce) -> Finding:
    """Look once, and again when BSG does not respond. Raise `ReadFailed` when it still does not."""
    try:
        rows = runtime.messages_of(record.id)
    except DecryptionError as error:
        return Undecided(str(error))  # the batches beside it may be looked up
    bounded = replace(record, first_intent_at=_earliest(record, rows))
    for pause in PAUSES_AFTER_FAILURES:
        try:
            return look_up(runtime, bounded, rows, reads)
        except ReadFailed as failure:
            if failure.account_reason is not None:
                raise
            clock.sleep(failure.retry_after or pause)
    return look_up(runtime, bounded, rows, reads)  # guard: recovery-needs-bsg


def _earliest(record: BatchRecord, rows: Sequence[Any]) -> datetime:
    """Return the time before which no campaign at BSG can be the batch, whatever intents this ledger has.

    A caller's id may have been used before the campaign was accepted. Generated ids belong to this campaign only.
    """
    ours = all(row["reference_id"].startswith(record.id.campaign_id) for row in rows)
    return BEGINNING if ours else record.accepted_at  # guard: recovery-caller-ids


def _mark_in_doubt(runtime: Runtime, record: BatchRecord, cause: str, recovery: Recovery) -> None:
    state = runtime.ledger.batches.mark_in_doubt(
        record.id, attempts=record.attempts, account=runtime.account.id, cause=cause
    )
    if state == "unconfirmed":
        recovery.doubtful[record.id] = cause


def record_late(runtime: Runtime, compared: Audit) -> dict[BatchId, int]:
    """Record what BSG has of batches that the ledger calls refused, expired or cancelled: a late id.

    Only an operator's `retry` would send them again. Return the batches with their BSG campaigns.
    """
    late: dict[BatchId, int] = {}
    for orphan in compared.orphans:
        named = [batch for origin in orphan.origins for batch in origin.batches]
        if len(named) != 1 or orphan.other_ids or orphan.messages is None:
            continue
        for record in runtime.ledger.reading.batch_records(named):
            if record.state in FINAL_WITHOUT_BSG and orphan.messages <= record.size:  # guard: recovery-of-ended-batch
                record_found(runtime, record, [runtime.client.campaign(orphan.bsg_campaign_id)])
                late[record.id] = orphan.bsg_campaign_id
    return late
