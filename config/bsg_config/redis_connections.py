"""Connect to Redis."""

from __future__ import annotations

from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncioRetry
from redis.asyncio.sentinel import Sentinel as AsyncioSentinel
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from bsg_config.connection_names import naming_arguments
from bsg_config.redis_address import RedisAddress
from bsg_config.settings import Settings

CONNECTIONS_OF_THREADS = 10_000
CONNECTIONS_OF_A_LOOP = 100


def connect(settings: Settings, *, socket_timeout: float | None = None) -> redis.Redis:
    """Return a client that returns bytes and does not retry, because a repeated command may run twice.

    Connecting and each response take `socket_timeout` seconds at most, by default QUEUE_TIMEOUT. Nothing is sent yet.
    The client is safe in threads and after a fork. Raise SettingsInvalid when REDIS_URL is not set.
    """
    timeout = settings.queue_timeout if socket_timeout is None else socket_timeout
    # Each waiting thread needs a connection. The number of threads is bounded elsewhere.
    kept = {"retry": Retry(NoBackoff(), 0), "max_connections": CONNECTIONS_OF_THREADS}
    address, arguments, of_sentinels = _arguments(settings, timeout, kept)
    if address.kind != "sentinel":
        return redis.Redis(**arguments)
    sentinels = Sentinel(list(address.nodes), sentinel_kwargs=of_sentinels)
    master: redis.Redis = sentinels.master_for(address.master, redis_class=redis.Redis, **arguments)
    return master


def connect_asyncio(settings: Settings) -> redis.asyncio.Redis:
    """Return the same for one asyncio loop, with `CONNECTIONS_OF_A_LOOP` connections at most; a further one raises."""
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
    """Return the address, and the clients' arguments for the server and for the sentinels."""
    address = settings.require_redis_address()
    of_server = {
        **address.connection_arguments(),
        **naming_arguments(),
        "decode_responses": False,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        **kept,
    }
    # Sentinels are asked one after the other. Together they may take no longer than the server.
    timeout_of_each = timeout / len(address.nodes) if address.nodes else timeout
    of_sentinels = {
        **address.sentinel_arguments(),
        "socket_timeout": timeout_of_each,
        "socket_connect_timeout": timeout_of_each,
        "retry": kept["retry"],
    }
    return address, of_server, of_sentinels
