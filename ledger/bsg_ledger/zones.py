"""The measured difference between BSG's printed times and the zone in the settings."""

from __future__ import annotations

import redis

from bsg_ledger import schema
from bsg_ledger.replies import typed


class LearntZone:
    def __init__(self, client: redis.Redis, account: str) -> None:
        self._client = typed(client)
        self._key = schema.ZONE(account)

    def learn(self, minutes_off: int) -> None:
        self._client.set(self._key, minutes_off)

    def minutes_off(self) -> int | None:
        """Return the difference in minutes; None as long as no response has shown it."""
        value = self._client.get(self._key)
        return None if value is None else int(value)
