"""Whether processes really do their work: a question that only a worker which takes tasks answers, and beat's trace.

A worker that lost its connection for good, or whose threads all hang, still runs, and still answers Celery's own ping.

  bsg:pulse:TOKEN   string  who answered; expires
  bsg:beats         zset    every beat, by the moment of its last tick (ms of Redis's clock)
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import redis

from bsg_config.queues import PULSE
from bsg_config.task_message import task_message

ANSWERS_KEPT_SECONDS = 600
_BEATS_KEPT_MS = 86_400_000
_BEATS = "bsg:beats"


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

    def answer(self, token: str, worker: str) -> None:
        """A worker's answer, given from a task."""
        self._client.set(f"bsg:pulse:{token}", worker, ex=ANSWERS_KEPT_SECONDS)

    def answered(self, asked: Asked) -> bool:
        """Whether somebody has taken the question from its queue."""
        return bool(self._client.exists(f"bsg:pulse:{asked.token}"))

    def tick(self, beat: str) -> None:
        """A beat's trace: it has just rung."""
        now = self._now_ms()
        with self._client.pipeline(transaction=False) as pipe:
            pipe.zadd(_BEATS, {beat: now})
            pipe.zremrangebyscore(_BEATS, "-inf", now - _BEATS_KEPT_MS)
            pipe.execute()

    def since_last_tick(self, beat: str | None = None) -> float | None:
        """Seconds since that beat rang, or since any did; None if none has for a day."""
        newest = self._client.zrevrange(_BEATS, 0, 0, withscores=True) if beat is None else None
        score = newest[0][1] if newest else None if beat is None else self._client.zscore(_BEATS, beat)
        return None if score is None else max(0.0, (self._now_ms() - score) / 1000)

    def _now_ms(self) -> int:
        seconds, microseconds = self._client.time()
        return int(seconds) * 1000 + int(microseconds) // 1000
