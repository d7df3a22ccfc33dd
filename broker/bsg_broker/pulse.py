"""Whether workers really take tasks: a question that only a worker which takes tasks answers.

A worker that lost its connection for good, or whose threads all hang, still runs, and still answers Celery's own ping.
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
from bsg_ledger.heartbeats import Heartbeats

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
    """Asks, over the ledger's Redis, which has the answers. Methods raise `redis.exceptions.RedisError`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client  # redis-py types its replies as all that they might be
        self.heartbeats = Heartbeats(client)

    def ask(self, queue: str) -> Asked:
        """Puts the question into a queue, behind what waits there."""
        token = secrets.token_hex(8)
        asked = Asked(queue, token, task_message(PULSE, [token], queue))
        self._client.lpush(queue, asked.message)
        return asked

    def take_back(self, asked: Asked) -> None:
        """Nobody has answered: nobody has to any more."""
        self._client.lrem(asked.queue, 1, asked.message)

    def answered(self, asked: Asked) -> bool:
        """Whether somebody has taken the question from its queue."""
        return self.heartbeats.is_answered(asked.token)

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
