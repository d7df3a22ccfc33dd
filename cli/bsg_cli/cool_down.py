"""For how long the account still cools down."""

from __future__ import annotations

import redis

from bsg_config.settings import Settings


def cooling_for(client: redis.Redis, settings: Settings, account: str) -> float:
    """Seconds; 0 if it does not. Raises `redis.exceptions.RedisError` when Redis does not answer."""
    from bsg_worker.limiter import Limiter  # the other commands work without the worker's modules

    return Limiter(client, account, "submit", settings.bsg_rate_limit).state().cooling_for
