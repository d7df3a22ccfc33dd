"""Record in the ledger how BSG fails this account's requests, so that others can see since when.

Nothing depends on it: if Redis fails, the failure is not recorded.
"""

from __future__ import annotations

from contextlib import suppress

from redis.exceptions import RedisError

from bsg_client.classification import creation_outcome
from bsg_client.wire import NoResponse, Observe, Response
from bsg_ledger.failures import FailureKind, Failures

_TOO_MANY_REQUESTS = 429


def note_failures(failures: Failures) -> Observe:
    def note(response: Response | NoResponse) -> None:
        kind = failure_kind(response)
        if kind is not None:
            with suppress(RedisError):
                failures.note(kind, creation_outcome(response).cause)

    return note


def failure_kind(response: Response | NoResponse) -> FailureKind | None:
    """Return how BSG failed the request; None if it responded, even with a refusal."""
    if isinstance(response, NoResponse) or response.cut is not None:
        return FailureKind.UNREACHABLE
    if response.status >= 500 or 300 <= response.status < 400:
        return FailureKind.ERROR
    if response.status == _TOO_MANY_REQUESTS and creation_outcome(response).throttles:
        return FailureKind.THROTTLED
    return None
