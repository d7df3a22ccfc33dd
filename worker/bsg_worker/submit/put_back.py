"""Put back batches that were dispatched and did not leave."""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom
from typing import TypeVar

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bsg_config import clock
from bsg_ledger.work import Send
from bsg_worker.runtime import Runtime
from bsg_worker.submit.backoff import delay
from bsg_worker.submit.done import Done
from bsg_worker.submit.post import NothingLeft

RETRY_SECONDS = 0.2
UNANSWERED = "Redis did not respond"
NOT_KEPT = NothingLeft("Redis did not keep the intent")

T = TypeVar("T")


def put_back(runtime: Runtime, send: Send, why: NothingLeft) -> Done:
    """Withdraw the batch's intent. Only this process knows that nothing has left."""
    wait = _backoff(runtime, send.attempts) if why.delay is None else why.delay
    state = until_recorded(
        runtime,
        lambda: runtime.dispatcher.withdraw(
            send, delay_ms=int(wait * 1000), cause=why.cause, unreadable=why.unreadable
        ),
    )
    if state != "pending":
        return Done(f"{send.batch} {state}: {why.cause}", ends=why.ends)
    return Done(f"{send.batch} deferred {wait:.1f} s: {why.cause}", ends=why.ends)


def put_back_unanswered(runtime: Runtime, token: str) -> Done:
    """Withdraw whatever was dispatched under the token."""
    wait = _backoff(runtime, 0)
    # guard: intent-response-lost
    batch = until_recorded(
        runtime,
        lambda: runtime.dispatcher.withdraw_lost(token, delay_ms=int(wait * 1000), cause=UNANSWERED),
    )
    return Done(f"{batch} deferred {wait:.1f} s: {UNANSWERED}" if batch else UNANSWERED, ends=True)


def until_recorded(runtime: Runtime, record: Callable[[], T]) -> T:
    """Repeat the record while Redis is unavailable: only this process knows the result.

    Every transition is safe to repeat. Late in the lease the result counts as lost, and reconcile decides the batch.
    """
    stop_at = clock.monotonic() + runtime.settings.lease_seconds / 2
    while True:
        try:
            return record()
        except (RedisConnectionError, RedisTimeoutError):  # guard: record-when-redis-returns
            if clock.monotonic() >= stop_at:
                raise
            clock.sleep(RETRY_SECONDS)


def _backoff(runtime: Runtime, attempts: int) -> float:
    settings = runtime.settings
    return delay(attempts + 1, settings.retry_backoff_base, settings.retry_backoff_cap, SystemRandom())
