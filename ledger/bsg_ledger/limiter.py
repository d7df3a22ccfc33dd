"""Slots under a request rate that all workers of an account share (GCRA on Redis's own clock).

A slot is reserved only if its wait is short, and then the caller sleeps until it comes. If the wait is longer, nothing
is reserved: reservations that are given back would push all others further away, until no request gets through.
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
"""Seconds. No slot is reserved further ahead, so a reservation beyond it shows a clock that was set back."""

MAX_SLOT_WAIT = 2.0
"""Seconds that a batch waits for its slot. Reserving a later one and giving it back would starve the others."""

MAX_COOL_DOWN = 3600.0
"""Seconds. A longer Retry-After of a gateway counts as an hour."""

_MICROSECONDS = 1_000_000
_FURTHEST_US = round(MAX_RESERVATION * _MICROSECONDS)


@dataclass(frozen=True, slots=True)
class Slot:
    """A request may be sent after `wait` seconds. The slot is taken even if it is not used."""

    wait: float


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing was reserved. Try again in `retry_in` seconds."""

    retry_in: float


@dataclass(frozen=True, slots=True)
class LimiterState:
    """Seconds until the next free slot, and until the end of the cool-down (0: there is none)."""

    next_slot_in: float
    cooling_for: float


class Limiter:
    """One rate limit of one account. Methods raise `redis.exceptions.RedisError` when Redis does not respond.

    Nothing is sent while the limit cannot be read.
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
        """Take the next slot if it comes within `max_wait_seconds` (10 at most), otherwise nothing."""
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
        """Hold back every request of the account, under all its limits. Return the seconds of the cool-down.

        A current cool-down is never shortened. More than an hour counts as an hour.
        """
        bounded = min(max(seconds, 0.0), MAX_COOL_DOWN)  # guard: cool-down-bounded
        current = self._run("cool_down", self._keys[1:], math.ceil(bounded * _MICROSECONDS))
        return max(0.0, int(current) / _MICROSECONDS)

    def state(self) -> LimiterState:
        """Return the waiting times of a request, without reserving anything."""
        wait, cooling = self._run("state", self._keys, self._interval, self._burst, _FURTHEST_US)
        return LimiterState(int(wait) / _MICROSECONDS, int(cooling) / _MICROSECONDS)

    def _run(self, name: str, keys: tuple[str, ...], *arguments: int) -> Any:
        return self._scripts[name](keys=keys, args=arguments)


def status_limiter(client: redis.Redis, account: Account) -> Limiter:
    """Return the limiter of the account's status requests. Raise SettingsInvalid if there is no key."""
    return Limiter(client, account.id, "status", account.bsg_status_rate_limit)


def submit_limiter(client: redis.Redis, account: Account) -> Limiter:
    """Return the limiter of the requests that send. Raise SettingsInvalid when there is no key."""
    return Limiter(client, account.id, "submit", account.bsg_rate_limit, account.bsg_rate_burst)
