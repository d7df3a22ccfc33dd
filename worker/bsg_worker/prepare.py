"""From accepted messages to batches and rejects, part by part."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from redis.exceptions import ResponseError

from bsg_config import clock
from bsg_config.crash_points import CrashPoint, reached
from bsg_ledger.parts import NothingDue, PartLease
from bsg_ledger.rows import encode_rows
from bsg_producer.columns import unpack
from bsg_producer.envelope import Envelope
from bsg_producer.preparation import Prepared, prepare
from bsg_worker.doorbells import ring_submits
from bsg_worker.runtime import Runtime, new_token
from bsg_worker.submit import submit_batches

LOGGER = logging.getLogger(__name__)

AT_MOST_SECONDS = 0.5  # one campaign's parts do not hold a slot for longer: others are waiting
LEASE_MS = 60_000  # a part takes well under a second; what holds it for a minute is dead
LOSSES_ALLOWED = 5
FULL_REDIS_DELAY_MS = 5_000


@dataclass(frozen=True, slots=True)
class Preparation:
    """What came of a campaign's parts. `all_due`: nothing that was due is left."""

    outcome: str
    all_due: bool


def prepare_then_submit(runtime: Runtime, campaign_id: str) -> str:
    """Prepares the campaign and goes on with its batches, so that a small one waits in one queue and not in two."""
    preparation = prepare_parts(runtime, campaign_id)
    if not preparation.all_due:
        return preparation.outcome
    return f"{preparation.outcome}; {submit_batches(runtime, campaign_id, '')}"


def prepare_parts(runtime: Runtime, campaign_id: str) -> Preparation:
    """Prepares the campaign's parts that are due, for a bounded time; rings for each when it goes on to the next."""
    stop_at = clock.monotonic() + AT_MOST_SECONDS
    parts = 0
    while not parts or clock.monotonic() < stop_at:
        lease = runtime.ledger.parts.lease(campaign_id, new_token(), lease_ms=LEASE_MS, losses_allowed=LOSSES_ALLOWED)
        if isinstance(lease, NothingDue):
            return Preparation(f"prepared {parts} parts", all_due=True)
        reached(CrashPoint.PREPARE_PART_LEASED)
        if parts:
            _ring_submits(runtime, campaign_id)
        outcome = prepare_part(runtime, lease)
        if outcome != "prepared":
            return Preparation(outcome, all_due=False)
        parts += 1
    _ring_submits(runtime, campaign_id)
    runtime.doorbell.ring_to_go_on(campaign_id, runtime.ledger.reading.priority(campaign_id))
    return Preparation(f"prepared {parts} parts, more to do", all_due=False)


def _ring_submits(runtime: Runtime, campaign_id: str) -> None:
    ring_submits(runtime, campaign_id)
    reached(CrashPoint.PREPARE_RUNG)


def prepare_part(runtime: Runtime, lease: PartLease) -> str:
    """Prepares one leased part and commits all of it at once; answers the outcome."""
    try:
        prepared = _checked(lease)
    except Exception as error:
        # Its text may hold a phone or a text: only its kind is told. The lease runs out, and after five losses the
        # part's messages become rejects.
        LOGGER.error("part %d of %s could not be prepared: %s", lease.part, lease.campaign_id, type(error).__name__)
        return f"failed: {type(error).__name__}"
    reached(CrashPoint.PREPARE_PART_CHECKED)
    try:
        committed = runtime.ledger.parts.prepared(
            lease,
            [(batch.size, encode_rows(batch.indexes), batch.body) for batch in prepared.batches],
            [(reject.index, reject.to_json()) for reject in prepared.rejects],
        )
    except ResponseError as error:
        reached(CrashPoint.PREPARE_RESULT_REFUSED)
        runtime.ledger.parts.release(
            lease, delay_ms=FULL_REDIS_DELAY_MS, cause=f"Redis refused the result ({type(error).__name__})"
        )
        return f"deferred {FULL_REDIS_DELAY_MS / 1000:.0f} s: {type(error).__name__}"
    reached(CrashPoint.PREPARE_PART_COMMITTED)
    return "prepared" if committed else "stale: another worker prepares it"


def _checked(lease: PartLease) -> Prepared:
    envelope = Envelope.from_json(lease.envelope)
    return prepare(
        unpack(lease.packed),
        envelope,
        campaign_id=lease.campaign_id,
        first_index=lease.first_index,
        batch_size=envelope.batch_size,
    )
