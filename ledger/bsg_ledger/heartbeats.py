"""The processes that run: every beat's last tick, every worker's last heartbeat, and the responses to pings."""

from __future__ import annotations

import redis

from bsg_ledger import schema
from bsg_ledger.redis_clock import now_ms
from bsg_ledger.replies import typed

PINGS_KEPT_SECONDS = 600
_NAMES_KEPT_MS = 86_400_000
_BEATS = schema.BEATS()
_WORKERS = schema.WORKERS()


class Heartbeats:
    """Methods raise `redis.exceptions.RedisError`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = typed(client)

    def note_response(self, token: str) -> None:
        """Record that a worker's task has responded to the ping with that token."""
        self._client.set(schema.PING(token), "responded", ex=PINGS_KEPT_SECONDS)

    def has_response(self, token: str) -> bool:
        return bool(self._client.exists(schema.PING(token)))  # guard: ping-response-counts

    def note_tick(self, beat: str) -> None:
        """Record that a beat has just published a tick."""
        self._note(_BEATS, beat)

    def note_worker(self, worker: str) -> None:
        """Record that a worker of that name runs. Only its responses to pings show whether it takes tasks."""
        self._note(_WORKERS, worker)

    def workers(self) -> list[str]:
        """Return the names of the workers that ran within a day."""
        return sorted(name.decode() for name in self._client.zrange(_WORKERS, 0, -1))

    def since_last_tick(self, beat: str | None = None) -> float | None:
        """Return the seconds since that beat's, or any beat's, last tick; None if there was none for a day."""
        if beat is None:
            newest = self._client.zrevrange(_BEATS, 0, 0, withscores=True)
            score: float | None = newest[0][1] if newest else None
        else:
            score = self._client.zscore(_BEATS, beat)
        return None if score is None else max(0.0, (now_ms(self._client) - score) / 1000)

    def _note(self, key: str, name: str) -> None:
        now = now_ms(self._client)
        with self._client.pipeline(transaction=False) as pipe:
            pipe.zadd(key, {name: now})
            pipe.zremrangebyscore(key, "-inf", now - _NAMES_KEPT_MS)
            pipe.execute()
