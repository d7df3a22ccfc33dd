"""Connections to Redis."""

from __future__ import annotations

from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncioRetry
from redis.asyncio.sentinel import Sentinel as AsyncioSentinel
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from bsg_config.redis_address import RedisAddress
from bsg_config.settings import Settings

CONNECTIONS_OF_THREADS = 10_000
CONNECTIONS_OF_A_LOOP = 100


def connect(settings: Settings, *, socket_timeout: float | None = None) -> redis.Redis:
    """Return a client that returns bytes and repeats nothing by itself, since a repeated command may run twice.

    Connecting and each response take `socket_timeout` seconds at most (QUEUE_TIMEOUT when not given). Nothing
    is sent yet. Safe in threads and after a fork. Raise SettingsInvalid when REDIS_URL is not set.
    """
    timeout = settings.queue_timeout if socket_timeout is None else socket_timeout
    # One for each thread that waits for a response: the threads of a process are bound by whoever starts them.
    kept = {"retry": Retry(NoBackoff(), 0), "max_connections": CONNECTIONS_OF_THREADS}
    address, arguments, of_sentinels = _arguments(settings, timeout, kept)
    if address.kind != "sentinel":
        return redis.Redis(**arguments)
    sentinels = Sentinel(list(address.nodes), sentinel_kwargs=of_sentinels)
    master: redis.Redis = sentinels.master_for(address.master, redis_class=redis.Redis, **arguments)
    return master


def connect_asyncio(settings: Settings) -> redis.asyncio.Redis:
    """Return the same for one asyncio loop, with `CONNECTIONS_OF_A_LOOP` connections at most: asking for more
    raises."""
    kept = {"retry": AsyncioRetry(NoBackoff(), 0), "max_connections": CONNECTIONS_OF_A_LOOP}
    address, arguments, of_sentinels = _arguments(settings, settings.queue_timeout, kept)
    if address.kind != "sentinel":
        return redis.asyncio.Redis(**arguments)
    sentinels = AsyncioSentinel(list(address.nodes), sentinel_kwargs=of_sentinels)
    master: redis.asyncio.Redis = sentinels.master_for(address.master, redis_class=redis.asyncio.Redis, **arguments)
    return master


def _arguments(
    settings: Settings, timeout: float, kept: dict[str, Any]
) -> tuple[RedisAddress, dict[str, Any], dict[str, Any]]:
    """Return the address, and what clients take for the server and for the sentinels."""
    address = settings.require_redis_address()
    of_server = {
        **address.connection_arguments(),
        "decode_responses": False,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        **kept,
    }
    # They are asked one after the other, silent ones included: together they take no longer than the server may.
    timeout_of_each = timeout / len(address.nodes) if address.nodes else timeout
    of_sentinels = {
        **address.sentinel_arguments(),
        "socket_timeout": timeout_of_each,
        "socket_connect_timeout": timeout_of_each,
        "retry": kept["retry"],
    }
    return address, of_server, of_sentinels
