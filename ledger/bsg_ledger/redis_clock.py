"""Redis's own clock, the only one that all processes share."""

from __future__ import annotations

import redis

from bsg_ledger.replies import Replies, typed


def now_ms(client: redis.Redis | Replies) -> int:
    """Return the time in milliseconds. Raise `redis.exceptions.RedisError` when Redis does not respond."""
    seconds, microseconds = typed(client).time()
    return seconds * 1000 + microseconds // 1000
