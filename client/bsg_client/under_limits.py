"""A client whose requests wait for slots of the account's rate limits, which all processes share."""

from __future__ import annotations

import redis

from bsg_client.bsg_client import BSGClient
from bsg_client.failed_requests import note_failures
from bsg_client.outcomes import ReadFailed
from bsg_config import clock
from bsg_config.account import Account
from bsg_ledger.failures import Failures
from bsg_ledger.limiter import MAX_RESERVATION, MAX_SLOT_WAIT, Later, Limiter


def client_under_limits(
    account: Account, client: redis.Redis, *, status: Limiter, submit: Limiter, failures: Failures, timeout: float
) -> BSGClient:
    """Return the account's client. Its status requests wait up to `timeout` seconds for a slot of their limit.

    Raise SettingsInvalid when there is no key.
    """
    return BSGClient.connected(
        account,
        client,
        before_read=lambda: _wait_for_slot(status, timeout),
        before_second_post=lambda: _wait_for_slot(submit, MAX_SLOT_WAIT),
        observe=note_failures(failures),
    )


def _wait_for_slot(limiter: Limiter, at_most: float) -> None:
    """Sleep until a request may leave. Raise `ReadFailed` if that takes more than `at_most` seconds.

    Looking up a batch takes several requests, and starts again if one of them fails. So reading waits longer for slots
    than sending, and a look-up can finish even under a low limit.
    """
    stop_at = clock.monotonic() + at_most
    while isinstance(slot := limiter.reserve(min(at_most, MAX_RESERVATION)), Later):
        if clock.monotonic() + slot.retry_in > stop_at:
            raise ReadFailed(f"no request for {slot.retry_in:.1f} s: rate limit")
        clock.sleep(slot.retry_in)
    clock.sleep(slot.wait)
