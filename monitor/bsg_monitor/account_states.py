"""How each account stands: its gate, its limit, and what of it has waited longest."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from bsg_config.settings import Settings
from bsg_ledger.gate import GateState
from bsg_ledger.ledger import Ledger
from bsg_ledger.rooms import Due, Room, unstamped
from bsg_worker.limiter import Limiter
from bsg_worker.measurements import Measured, Measurements


@dataclass(frozen=True, slots=True)
class AccountState:
    """`gate` and `limit` are None if the account's key is not set here. Durations are seconds."""

    name: str
    gate: GateState | None
    limit: str | None
    next_slot_in: float
    cooling_for: float
    oldest_due: Due | None


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """What is measured of an account whose key is set here."""

    in_doubt: int
    measured: Measured


class AccountStates:
    """Those of every account whose key is set here; without any, that of the default one as far as it is known."""

    def __init__(self, client: redis.Redis, ledger: Ledger, settings: Settings) -> None:
        self._client = client
        self._ledger = ledger
        self._accounts = settings.accounts or (settings,)

    def now(self) -> list[AccountState]:
        return [self._state(settings) for settings in self._accounts]

    def figures(self) -> list[AccountFigures | None]:
        """In the same order; None without a key."""
        return [
            AccountFigures(
                in_doubt=self._ledger.rooms.length(Room.DOUBT, account=settings.account),
                measured=Measurements(self._client, settings.account).read(),
            )
            if settings.bsg_api_key is not None
            else None
            for settings in self._accounts
        ]

    def _state(self, settings: Settings) -> AccountState:
        unclaimed = (Room.DUE, unstamped(settings.account_name))
        if settings.bsg_api_key is None:
            due = self._ledger.rooms.oldest_due([unclaimed])
            return AccountState(settings.account_name, None, None, 0.0, 0.0, due)
        rate, burst = settings.bsg_rate_limit, settings.bsg_rate_burst
        limiter = Limiter(self._client, settings.account, "submit", rate, burst).state()
        return AccountState(
            name=settings.account_name,
            gate=self._ledger.gate(settings.account).state(),
            limit=f"{rate}, burst {burst}",
            next_slot_in=limiter.next_slot_in,
            cooling_for=limiter.cooling_for,
            oldest_due=self._ledger.rooms.oldest_due([unclaimed, (Room.DUE, settings.account)]),
        )
