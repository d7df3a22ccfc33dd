"""Liveness pings. Only a worker that takes tasks responds to one.

A worker that lost its connection for good, or whose threads all hang, still responds to Celery's own ping.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

import redis

from bsg_broker.queues import PING
from bsg_broker.task_message import task_message
from bsg_config import clock
from bsg_ledger.heartbeats import Heartbeats
from bsg_ledger.replies import typed

_SECONDS_BETWEEN_LOOKS = 0.1


def ping_queue(worker: str) -> str:
    """Return the name of a worker's own queue. A worker's name is like worker@host."""
    return f"ping.{worker}"


@dataclass(frozen=True, slots=True)
class Ping:
    """A ping that waits in a queue."""

    queue: str
    token: str
    message: bytes


class LivenessPings:
    """Sends pings through queues; the ledger keeps the responses. Methods raise `redis.exceptions.RedisError`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = typed(client)
        self.heartbeats = Heartbeats(client)

    def send(self, queue: str) -> Ping:
        """Add a ping to the end of a queue."""
        token = secrets.token_hex(8)
        ping = Ping(queue, token, task_message(PING, [token], queue))
        self._client.lpush(queue, ping.message)
        return ping

    def take_back(self, ping: Ping) -> None:
        """Remove a ping that got no response."""
        self._client.lrem(ping.queue, 1, ping.message)

    def has_response(self, ping: Ping) -> bool:
        """Return whether a worker has responded to the ping."""
        return self.heartbeats.has_response(ping.token)

    def unanswered(self, queues: Iterable[str], *, within: float) -> set[str]:
        """Ping each queue. Return those without a response within so many seconds, and remove the pings there."""
        pings = [self.send(queue) for queue in queues]
        stop_at = clock.monotonic() + within
        while pings := [one for one in pings if not self.has_response(one)]:
            if clock.monotonic() >= stop_at:
                break
            clock.sleep(_SECONDS_BETWEEN_LOOKS)
        for one in pings:
            self.take_back(one)
        return {one.queue for one in pings}
