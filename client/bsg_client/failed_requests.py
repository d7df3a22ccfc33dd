"""Notes in the ledger how BSG fails this account's requests, so that others can tell since when.

Nothing depends on it: what cannot be noted is not.
"""

from __future__ import annotations

from contextlib import suppress

from redis.exceptions import RedisError

from bsg_client.classification import creation_outcome
from bsg_client.wire import NoResponse, Observe, Response
from bsg_ledger.failures import FailureKind, Failures

_TOO_MANY_REQUESTS = 429


def note_failures(failures: Failures) -> Observe:
    def note(answer: Response | NoResponse) -> None:
        kind = failure_kind(answer)
        if kind is not None:
            with suppress(RedisError):
                failures.note(kind, creation_outcome(answer).cause)

    return note


def failure_kind(answer: Response | NoResponse) -> FailureKind | None:
    """Return how BSG failed the request; None: it responded, be it with a no."""
    if isinstance(answer, NoResponse) or answer.cut is not None:
        return FailureKind.UNREACHABLE
    if answer.status >= 500 or 300 <= answer.status < 400:
        return FailureKind.ERROR
    if answer.status == _TOO_MANY_REQUESTS and creation_outcome(answer).throttles:
        return FailureKind.THROTTLED
    return None
