"""Redis's failures as the producer's exceptions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bsg_ledger.compacted_reading import RecordUnreadable
from bsg_ledger.durability import NotDurable
from bsg_producer.errors import CampaignUnreadable, QueueNotDurable, QueueUnavailable

REASONS: dict[type[RedisError], str] = {
    OutOfMemoryError: "Redis is full: free memory or raise its maxmemory",
    ReadOnlyError: "Redis is read-only: REDIS_URL points at a replica",
    NoPermissionError: "Redis does not let this user do what is needed: give it all commands on all keys",
    RedisTimeoutError: "Redis did not respond in time: is it overloaded, or the network cut?",
    # redis-py derives these two from ConnectionError.
    AuthenticationError: "Redis refuses the user name or password: correct them in REDIS_URL",
    BusyLoadingError: "Redis is still loading its data: try again when it has",
    RedisConnectionError: "Redis cannot be reached: check REDIS_URL, that the server runs, and that TLS trusts it",
}


class QueueSilent(QueueUnavailable):
    """Redis did not respond in time. Another request would take as long again."""


@contextmanager
def queue_errors(response_lost: type[Exception] | None = None) -> Iterator[None]:
    """Turn Redis's failures into `QueueUnavailable` and `QueueNotDurable`, a damaged record into `CampaignUnreadable`.

    Raise `response_lost` instead, if given, where Redis may have executed a command without a response.
    """
    try:
        yield
    except NotDurable as error:
        raise QueueNotDurable(str(error)) from None
    except RecordUnreadable as error:
        raise CampaignUnreadable(error.campaign_id, error.why) from None
    except RedisError as error:
        if response_lost is not None and isinstance(error, (RedisConnectionError, RedisTimeoutError)):
            raise response_lost from None
        kind = QueueSilent if isinstance(error, RedisTimeoutError) else QueueUnavailable
        raise kind(_reason(error)) from None


def _reason(error: RedisError) -> str:
    for kind, reason in REASONS.items():
        if isinstance(error, kind):
            return reason
    return f"Redis refused ({type(error).__name__})"
