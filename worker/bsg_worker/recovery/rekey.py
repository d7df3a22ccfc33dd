"""Move campaigns to another key of the account, and record which keys processes have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from bsg_client.outcomes import ReadFailed
from bsg_config import clock
from bsg_ledger.keys import Key, Rekeyed, Rekeying
from bsg_worker.runtime import Runtime

LOGIN_AGAIN_SECONDS = 15.0

_login_at: dict[str, float] = {}  # by account: the monotonic time of the next login for this


@dataclass(frozen=True, slots=True)
class Moved:
    """The result of moving one campaign."""

    campaign_id: str
    rekeying: Rekeying


def note_key(runtime: Runtime) -> None:
    """Record that this process has the account's key, and BSG's account as the last login named it."""
    runtime.ledger.keys.note(
        runtime.account.id,
        name=runtime.account.name,
        address=runtime.account.address,
        bsg_account=runtime.client.bsg_account(),
    )


def take_over(runtime: Runtime) -> str:
    """Move the campaigns of older keys of the same account at BSG to the current key. Return the outcome.

    A key counts as older if no process has it any more, and BSG's logins showed that it is of the same account.
    """
    moved = 0
    for key in _older_keys(runtime):
        moved += sum(one.rekeying.kind is Rekeyed.MOVED for one in move(runtime, key.account, by="worker"))
        runtime.ledger.keys.forget(key.account)
    return f"{moved} campaigns of an older key" if moved else ""


def move(runtime: Runtime, old: str, *, by: str) -> Iterator[Moved]:
    """Move the campaigns of the key `old` that may be moved. Yield the result of each."""
    ledger, bsg_account = runtime.ledger, runtime.client.bsg_account()
    ledger.batches.take_back(old)  # guard: rekey-leases-to-doubt
    ledger.keys.inherit(runtime.account.id, old=old, bsg_account=bsg_account)
    for campaign_id in ledger.keys.campaigns_of(old, name=runtime.account.name):
        rekeying = ledger.keys.rekey(
            campaign_id,
            old=old,
            account=runtime.account.id,
            name=runtime.account.name,
            address=runtime.account.address,
            bsg_account=bsg_account,
            by=by,
        )
        yield Moved(campaign_id, rekeying)


def _older_keys(runtime: Runtime) -> list[Key]:
    """Return unused keys of the same name, address, and account at BSG."""
    account = runtime.account
    candidates = [
        key
        for key in runtime.ledger.keys.known().values()
        if key.bsg_account and not key.in_use and (key.name, key.address) == (account.name, account.address)
    ]
    bsg_account = _bsg_account(runtime) if candidates else ""
    return [key for key in candidates if key.bsg_account == bsg_account and key.account != runtime.account.id]


def _bsg_account(runtime: Runtime) -> str:
    """Return BSG's own account. Log in for it if nothing else has: all open work may belong to an older key."""
    if not (known := runtime.client.bsg_account()) and clock.monotonic() >= _login_at.get(runtime.account.id, 0.0):
        _login_at[runtime.account.id] = clock.monotonic() + LOGIN_AGAIN_SECONDS
        with suppress(ReadFailed):
            runtime.client.log_in()
        known = runtime.client.bsg_account()
    return known
