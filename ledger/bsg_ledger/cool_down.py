"""An account's cool-down, as others than the limiter read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import redis

from bsg_ledger import schema
from bsg_ledger.moments import moment
from bsg_ledger.redis_clock import now_ms


def cooling_until(client: redis.Redis, account: str) -> datetime | None:
    """When the account's cool-down ends; None: there is none. Raises `redis.exceptions.RedisError`."""
    until: Any = client.get(schema.COOL_DOWN(account))
    return end_of(until, moment(now_ms(client)))


def end_of(cool_down: bytes | None, now: datetime) -> datetime | None:
    """The moment that the key's value stands for; None if it is not ahead."""
    until = moment(int(cool_down) / 1000) if cool_down else None
    return until if until is not None and until > now else None
