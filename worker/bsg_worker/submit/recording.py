"""Record an outcome in the ledger. Its kind alone decides how."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from bsg_client.outcomes import Outcome, OutcomeKind
from bsg_config import clock
from bsg_ledger.gate import GateReason
from bsg_ledger.limiter import MAX_COOL_DOWN
from bsg_ledger.times import to_datetime
from bsg_ledger.work import Send
from bsg_messages.bodies import rejected, without
from bsg_worker.bsg_time import CLOCK_TOLERANCE
from bsg_worker.gate_log import warn_of_shut_gate
from bsg_worker.pace import FIRST_POLL_SECONDS
from bsg_worker.runtime import Runtime
from bsg_worker.submit.backoff import delay

LOGGER = logging.getLogger(__name__)

_MAY_SHUT_THE_GATE = frozenset({OutcomeKind.NOT_TAKEN, OutcomeKind.ACCOUNT_CLOSED, OutcomeKind.IN_DOUBT})

DOUBTS_ALLOWED = 5  # guard: doubts-allowed
SHUTS_ALLOWED = 2


@dataclass(frozen=True, slots=True)
class Recorded:
    """The batch's state now, and the seconds until it may be tried again."""

    state: str
    delay: float = 0.0


def record(runtime: Runtime, lease: Send, outcome: Outcome, body: bytes, chance: Random, *, begun: float) -> Recorded:
    """Record the outcome of a POST in the ledger. With a stale lease, only a campaign that BSG has is recorded.

    `begun` is when the ledger was asked for the batch, on this process's monotonic clock.
    """
    recorded = _recorded(runtime, lease, outcome, body, chance, begun)
    if outcome.kind in _MAY_SHUT_THE_GATE:
        warn_of_shut_gate(runtime, [lease.batch])
    return recorded


def _recorded(runtime: Runtime, lease: Send, outcome: Outcome, body: bytes, chance: Random, begun: float) -> Recorded:
    batches = runtime.ledger.batches
    match outcome.kind:
        case OutcomeKind.TAKEN:
            return _taken(runtime, lease, outcome, begun)
        case OutcomeKind.NOT_TAKEN:
            wait = _backoff(runtime, lease, chance)
            state = batches.not_taken(
                lease, delay_ms=int(wait * 1000), cause=outcome.cause, unanswered=outcome.bsg_asked
            )
            return Recorded(state, wait)
        case OutcomeKind.THROTTLED:
            wait = _cooled_down(runtime, lease, outcome, chance)
            return Recorded(batches.not_taken(lease, delay_ms=int(wait * 1000), cause=outcome.cause), wait)
        case OutcomeKind.REFUSED:
            return Recorded(batches.refused(lease, cause=outcome.cause))  # guard: outcome-refused
        case OutcomeKind.ROWS_REFUSED:
            return _rows_refused(runtime, lease, outcome, body)
        case OutcomeKind.ACCOUNT_CLOSED:
            reason = GateReason(outcome.account_reason or GateReason.BAD_KEY)
            return Recorded(  # guard: outcome-account-closed
                batches.account_closed(
                    lease,
                    account=runtime.account.id,
                    reason=reason,
                    cause=outcome.cause,
                    # guard: no-funds-refuse-nothing
                    shuts_allowed=0 if reason is GateReason.NO_FUNDS else SHUTS_ALLOWED,
                )
            )
        case OutcomeKind.IN_DOUBT:
            if outcome.throttles:
                _cooled_down(runtime, lease, outcome, chance)
            suspects = list(outcome.violations) if outcome.reference_ids_taken else None
            # guard: outcome-in-doubt
            return _doubtful(runtime, lease, outcome.cause, suspects, counts=not outcome.duplicate_notice)


def _cooled_down(runtime: Runtime, lease: Send, outcome: Outcome, chance: Random) -> float:
    """Cool the account down for as long as BSG asks. Return the seconds."""
    asked = outcome.retry_after
    # One wrong header must not make a batch wait until it expires.
    # guard: retry-after-bounded
    wait = _backoff(runtime, lease, chance) if asked is None else min(asked, MAX_COOL_DOWN)
    runtime.submit_limiter.cool_down(wait)  # guard: throttled-cools-down
    return wait


def _backoff(runtime: Runtime, lease: Send, chance: Random) -> float:
    settings = runtime.settings
    return delay(lease.attempts + 1, settings.retry_backoff_base, settings.retry_backoff_cap, chance)


def _taken(runtime: Runtime, lease: Send, outcome: Outcome, begun: float) -> Recorded:
    campaign = outcome.campaign
    if campaign is None:  # guard: taken-without-id
        return _doubtful(runtime, lease, "taken without a campaign id")
    state = runtime.ledger.batches.taken(
        lease.batch,
        account=runtime.account.id,
        bsg_campaign_id=campaign.id,
        bsg_status=campaign.status,
        next_poll_ms=int(min(FIRST_POLL_SECONDS, runtime.settings.bsg_poll_interval) * 1000),
        cause="taken",
        price=campaign.price or "",
        currency=campaign.currency or "",
        token=lease.token,
    )
    if state == "owned":  # guard: taken-id-owned
        return _doubtful(runtime, lease, "BSG's response has another batch's campaign")
    if state == "gone":
        LOGGER.error("BSG has campaign %d of batch %s, which the ledger does not know", campaign.id, lease.batch)
    # Comparing the time with a later one would show a wrong zone.
    since_intent = clock.monotonic() - begun
    if since_intent < CLOCK_TOLERANCE.total_seconds():
        runtime.bsg_time.learn(campaign.created_at, to_datetime(lease.now_ms + 1000 * since_intent))
    return Recorded(state)


def _doubtful(
    runtime: Runtime, lease: Send, cause: str, suspects: Sequence[int] | None = None, *, counts: bool = True
) -> Recorded:
    allowed = DOUBTS_ALLOWED if counts else None
    return Recorded(
        runtime.ledger.batches.doubtful(
            lease, account=runtime.account.id, cause=cause, doubts_allowed=allowed, suspects=suspects
        )
    )


def _rows_refused(runtime: Runtime, lease: Send, outcome: Outcome, body: bytes) -> Recorded:
    rows = json.loads(body)
    violations = outcome.violations
    if not violations or not all(0 <= row < len(rows) for row in violations):  # guard: rejected-rows-are-ours
        return Recorded(runtime.ledger.batches.refused(lease, cause=f"{outcome.cause}, naming no row of ours"))
    indexes = runtime.ledger.reading.rows(lease.batch)
    rest, rest_rows = without(rows, indexes, set(violations), runtime.cipher)  # guard: rejected-rows-only
    return Recorded(
        runtime.ledger.batches.rows_refused(
            lease,
            cause=outcome.cause,
            rest=rest,
            rest_rows=rest_rows,
            rejects=rejected(rows, indexes, violations),
        )
    )
