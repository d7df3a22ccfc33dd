"""Whether processes really do their work: a question that only a worker which takes tasks answers, and beat's trace.

A worker that lost its connection for good, or whose threads all hang, still runs, and still answers Celery's own ping.

  bsg:pulse:TOKEN   string  there once it is answered; expires
  bsg:beats         zset    every beat, by the moment of its last tick (ms of Redis's clock)
  bsg:workers       zset    every worker, by the moment when it was last known to run; one that hangs may be among them
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

from bsg_broker.queues import PULSE
from bsg_broker.task_message import task_message
from bsg_config import clock
from bsg_config.redis_clock import now_ms

ANSWERS_KEPT_SECONDS = 600
_NAMES_KEPT_MS = 86_400_000
_BEATS = "bsg:beats"
_WORKERS = "bsg:workers"
_SECONDS_BETWEEN_LOOKS = 0.1


def pulse_queue(worker: str) -> str:
    """The queue that a worker, such as worker@host, has for itself."""
    return f"pulse.{worker}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that waits in a queue."""

    queue: str
    token: str
    message: bytes


class Pulse:
    """Asks, answers and looks, over the ledger's Redis. Methods raise `redis.exceptions.RedisError`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client  # redis-py types its replies as all that they might be

    def ask(self, queue: str) -> Asked:
        """Puts the question into a queue, behind what waits there."""
        token = secrets.token_hex(8)
        asked = Asked(queue, token, task_message(PULSE, [token], queue))
        self._client.lpush(queue, asked.message)
        return asked

    def take_back(self, asked: Asked) -> None:
        """Nobody has answered: nobody has to any more."""
        self._client.lrem(asked.queue, 1, asked.message)

    def answer(self, token: str) -> None:
        """A worker's answer, given from a task."""
        self._client.set(f"bsg:pulse:{token}", "answered", ex=ANSWERS_KEPT_SECONDS)

    def answered(self, asked: Asked) -> bool:
        """Whether somebody has taken the question from its queue."""
        return bool(self._client.exists(f"bsg:pulse:{asked.token}"))

    def unanswered(self, queues: Iterable[str], *, within: float) -> set[str]:
        """Asks in each queue; those where nobody took the question in so many seconds, and where it is taken back."""
        asked = [self.ask(queue) for queue in queues]
        stop_at = clock.monotonic() + within
        while asked := [one for one in asked if not self.answered(one)]:
            if clock.monotonic() >= stop_at:
                break
            clock.sleep(_SECONDS_BETWEEN_LOOKS)
        for one in asked:
            self.take_back(one)
        return {one.queue for one in asked}

    def tick(self, beat: str) -> None:
        """A beat's trace: it has just rung."""
        self._note(_BEATS, beat)

    def note_worker(self, worker: str) -> None:
        """Note that a worker of that name runs. Whether it takes tasks only its answers say."""
        self._note(_WORKERS, worker)

    def workers(self) -> list[str]:
        """Return the names of the workers that ran within a day."""
        return sorted(name.decode() for name in self._client.zrange(_WORKERS, 0, -1))

    def _note(self, key: str, name: str) -> None:
        now = now_ms(self._client)
        with self._client.pipeline(transaction=False) as pipe:
            pipe.zadd(key, {name: now})
            pipe.zremrangebyscore(key, "-inf", now - _NAMES_KEPT_MS)
            pipe.execute()

    def since_last_tick(self, beat: str | None = None) -> float | None:
        """Seconds since that beat rang, or since any did; None if none has for a day."""
        if beat is None:
            newest = self._client.zrevrange(_BEATS, 0, 0, withscores=True)
            score = newest[0][1] if newest else None
        else:
            score = self._client.zscore(_BEATS, beat)
        return None if score is None else max(0.0, (now_ms(self._client) - score) / 1000)
