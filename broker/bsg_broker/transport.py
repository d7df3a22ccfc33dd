"""The ledger's Redis as Celery's broker: its address, and the options of Celery's transport."""

from __future__ import annotations

from typing import Any

from redis.backoff import NoBackoff
from redis.retry import Retry

from bsg_config.connection_names import connection_name
from bsg_config.settings import Settings

# Measured with these: a publish on a half-open connection ends in 1 to 2 s, a refused one in 0.3 s. `retry_on_timeout`
# stays off, because it repeats the LPUSH. `socket_timeout` must exceed the 1 s of a worker's BRPOP.
_TRANSPORT_OPTIONS: dict[str, Any] = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}


def broker_url(settings: Settings) -> str:
    """Return the broker's address for Celery. Raise SettingsInvalid when REDIS_URL is not set."""
    return settings.require_redis_address().broker_url()


def broker_transport_options(settings: Settings) -> dict[str, Any]:
    """Return Celery's transport options for that broker."""
    address = settings.require_redis_address()
    options = {**_TRANSPORT_OPTIONS, "client_name": connection_name()}
    if address.kind == "sentinel":
        options["master_name"] = address.master
        options["sentinel_kwargs"] = {
            **address.sentinel_arguments(),
            "socket_timeout": options["socket_timeout"],
            "socket_connect_timeout": options["socket_connect_timeout"],
            "retry": Retry(NoBackoff(), 0),  # by default, an unreachable sentinel is asked eleven times
        }
    return options
