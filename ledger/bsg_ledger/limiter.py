"""Slots under a request rate that all workers of an account share (GCRA on Redis's own clock).

A slot is reserved only if its wait is short, and then the caller sleeps it out. If the wait is longer,
nothing is reserved: whoever reserves and gives back pushes everybody else further away, until nobody gets
through.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import redis

from bsg_config.account import Account
from bsg_config.rate import Rate
from bsg_ledger import schema
from bsg_ledger.scripts import source

MAX_RESERVATION = 10.0
"""Seconds: nobody may reserve further ahead, so a reservation beyond it shows a clock that was set back."""

MAX_SLOT_WAIT = 2.0
"""Seconds that a batch waits for its slot: reserving one farther off and giving it back would starve everybody."""

MAX_COOL_DOWN = 3600.0
"""Seconds: a gateway that asks for more than an hour is asked again after an hour."""

_MICROSECONDS = 1_000_000
_FURTHEST_US = round(MAX_RESERVATION * _MICROSECONDS)


@dataclass(frozen=True, slots=True)
class Slot:
    """A request may be sent after `wait` seconds. The slot is taken, whether it is used or not."""

    wait: float


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing was reserved. It is worth asking again in `retry_in` seconds."""

    retry_in: float


@dataclass(frozen=True, slots=True)
class LimiterState:
    """Seconds until the next free slot, and for which the account still cools down (0: it does not)."""

    next_slot_in: float
    cooling_for: float


class Limiter:
    """One bucket of one account. Methods raise `redis.exceptions.RedisError` when Redis does not respond.

    That is on purpose: a limit that cannot be asked is a limit that holds, so nothing is sent meanwhile.
    """

    def __init__(
        self, client: redis.Redis, account: str, name: Literal["submit", "status"], rate: Rate, burst: int = 1
    ) -> None:
        if burst < 1:
            raise ValueError(f"a burst of {burst} would never let anything through")
        self._scripts = {
            script: client.register_script(source(script)[0]) for script in ("reserve", "cool_down", "state")
        }
        self._keys = (schema.LIMIT(account, name), schema.COOL_DOWN(account))
        self._interval = rate.interval_us
        self._burst = burst

    def reserve(self, max_wait_seconds: float = MAX_SLOT_WAIT) -> Slot | Later:
        """Take the next slot if it comes within `max_wait_seconds` (10 at most); takes nothing otherwise."""
        if not 0 <= max_wait_seconds <= MAX_RESERVATION:
            raise ValueError(f"a slot can be reserved 0 to {MAX_RESERVATION:.0f} seconds ahead")
        taken, wait = self._run(
            "reserve",
            self._keys,
            self._interval,
            self._burst,
            round(max_wait_seconds * _MICROSECONDS),
            _FURTHEST_US,
        )
        seconds = int(wait) / _MICROSECONDS
        return Slot(seconds) if taken else Later(seconds)

    def cool_down(self, seconds: float) -> float:
        """Hold back every request of the account, under all its limits; return the seconds that now stand.

        It never shortens a cool-down that stands already. More than an hour counts as an hour.
        """
        bounded = min(max(seconds, 0.0), MAX_COOL_DOWN)  # guard: cool-down-bounded
        current = self._run("cool_down", self._keys[1:], math.ceil(bounded * _MICROSECONDS))
        return max(0.0, int(current) / _MICROSECONDS)

    def state(self) -> LimiterState:
        """Return what a request would have to wait for, without reserving anything."""
        wait, cooling = self._run("state", self._keys, self._interval, self._burst, _FURTHEST_US)
        return LimiterState(int(wait) / _MICROSECONDS, int(cooling) / _MICROSECONDS)

    def _run(self, name: str, keys: tuple[str, ...], *arguments: int) -> Any:
        return self._scripts[name](keys=keys, args=arguments)


def status_limiter(client: redis.Redis, account: Account) -> Limiter:
    """Return the limiter of the account's reads. Raise SettingsInvalid when there is no key."""
    return Limiter(client, account.id, "status", account.bsg_status_rate_limit)


def submit_limiter(client: redis.Redis, account: Account) -> Limiter:
    """Return the limiter of the requests that send. Raise SettingsInvalid when there is no key."""
    return Limiter(client, account.id, "submit", account.bsg_rate_limit, account.bsg_rate_burst)
