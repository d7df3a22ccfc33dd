"""The consequences of a failed read for other requests."""

from __future__ import annotations

from bsg_client.outcomes import ReadFailed
from bsg_ledger.gate import GateReason
from bsg_worker.gate_log import warn_of_shut_gate
from bsg_worker.runtime import Runtime

DEFAULT_COOL_DOWN_SECONDS = 5.0
NOT_FOUND_STATUSES = frozenset({404, 410})


def apply_backpressure(runtime: Runtime, failure: ReadFailed) -> None:
    """Cool the account down if it was throttled. Shut its gate if it was closed."""
    if failure.throttled:
        runtime.status_limiter.cool_down(failure.retry_after or DEFAULT_COOL_DOWN_SECONDS)  # guard: read-throttled
    # guard: read-account-closed
    if failure.account_reason is not None and runtime.gate.shut(reason=GateReason(failure.account_reason), by="a read"):
        warn_of_shut_gate(runtime, ["a read"])


def is_account_wide(failure: ReadFailed) -> bool:
    """Return whether every request of the account would fail like this one."""
    return failure.status is None or failure.throttled or failure.account_reason is not None


def is_not_found(failure: ReadFailed) -> bool:
    """Return whether BSG does not have the requested object."""
    return failure.status in NOT_FOUND_STATUSES and not failure.throttled and failure.account_reason is None
