"""Read an account's cool-down."""

from __future__ import annotations

from datetime import datetime

import redis

from bsg_ledger import schema
from bsg_ledger.redis_clock import now_ms
from bsg_ledger.replies import typed
from bsg_ledger.times import to_datetime


def cooling_until(client: redis.Redis, account: str) -> datetime | None:
    """Return when the account's cool-down ends; None if there is none. Raise `redis.exceptions.RedisError`."""
    until = typed(client).get(schema.COOL_DOWN(account))
    return end_of(until, to_datetime(now_ms(client)))


def end_of(cool_down: bytes | None, now: datetime) -> datetime | None:
    """Return the time in the key's value; None if it has passed."""
    until = to_datetime(int(cool_down) / 1000) if cool_down else None
    return until if until is not None and until > now else None
