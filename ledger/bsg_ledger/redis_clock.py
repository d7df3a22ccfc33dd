"""Redis's own clock, the only one that all processes share."""

from __future__ import annotations

from typing import Any

import redis


def now_ms(client: redis.Redis) -> int:
    """Return the moment in milliseconds. Raise `redis.exceptions.RedisError` when Redis does not respond."""
    reply: Any = client.time()  # redis-py types its replies as all that they might be
    seconds, microseconds = reply
    return int(seconds) * 1000 + int(microseconds) // 1000
