"""The names of connections to Redis, which CLIENT LIST shows."""

from __future__ import annotations

import re
from importlib.metadata import version
from socket import gethostname
from typing import Any

PREFIX = "bsg-"
PRODUCER = "producer"

_REFUSED_BY_REDIS = re.compile(r"[^!-~]")

_process: str | None = None


def name_of_process(role: str) -> str:
    """Return the name of this machine's process in that role, as Celery writes names: beat@host."""
    return f"{role}@{gethostname()}"


def name_connections(process: str) -> None:
    """From now on, give this process's new connections the name of `process`, such as worker@host."""
    global _process
    _process = process


def connection_name() -> str:
    """Return the name of this process's new connections. A process that was given none is a producer."""
    # A name that Redis refuses would keep the process from connecting.
    return _REFUSED_BY_REDIS.sub("-", PREFIX + (_process or name_of_process(PRODUCER)))


def naming_arguments() -> dict[str, Any]:
    """Return redis-py's arguments that name a connection, and this library behind redis-py's own name."""
    try:
        from redis import DriverInfo
    except ImportError:  # redis-py 6 and 7.0
        return {"client_name": connection_name()}
    library = DriverInfo().add_upstream_driver("bsg-campaigns", version("bsg-campaigns"))
    return {"client_name": connection_name(), "driver_info": library}
