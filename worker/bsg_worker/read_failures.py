"""What a read that failed means for everybody else."""

from __future__ import annotations

from bsg_client.outcomes import ReadFailed
from bsg_ledger.gate import GateReason
from bsg_worker.gate_log import warn_of_shut_gate
from bsg_worker.runtime import Runtime

DEFAULT_COOL_DOWN_SECONDS = 5.0
DENIALS = frozenset({404, 410})


def obey(runtime: Runtime, failure: ReadFailed) -> None:
    """Cools the account down when it was throttled, and shuts its gate when it was closed."""
    if failure.throttled:
        runtime.status_limiter.cool_down(failure.retry_after or DEFAULT_COOL_DOWN_SECONDS)  # guard: read-throttled
    # guard: read-account-closed
    if failure.account_reason is not None and runtime.gate.shut(reason=GateReason(failure.account_reason), by="a read"):
        warn_of_shut_gate(runtime, ["a read"])


def concerns_everybody(failure: ReadFailed) -> bool:
    """Whether the next request would fail like this one: BSG is out of reach, or does not answer the account now."""
    return failure.status is None or failure.throttled or failure.account_reason is not None


def denies(failure: ReadFailed) -> bool:
    """Whether BSG says that what was asked for is not there."""
    return failure.status in DENIALS and not failure.throttled and failure.account_reason is None
