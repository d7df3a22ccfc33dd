"""An account's rate limit as others than the worker's limiter, which writes these keys, read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import redis

from bsg_ledger.moments import moment
from bsg_ledger.redis_clock import now_ms


def limit_key(account: str, name: str) -> str:
    """The microsecond from which one more request fits the limit."""
    return f"bsg:{account}:limit:{name}"


def cool_down_key(account: str) -> str:
    """The microsecond until which no request of the account may leave."""
    return f"bsg:{account}:cool-down"


def cooling_until(client: redis.Redis, account: str) -> datetime | None:
    """When the account's cool-down ends; None: there is none. Raises `redis.exceptions.RedisError`."""
    until: Any = client.get(cool_down_key(account))
    return end_of(until, moment(now_ms(client)))


def end_of(cool_down: bytes | None, now: datetime) -> datetime | None:
    """The moment that the key's value stands for; None if it is not ahead."""
    until = moment(int(cool_down) / 1000) if cool_down else None
    return until if until is not None and until > now else None
