"""The progress of reading an account's stop list at BSG into the suppression list."""

from __future__ import annotations

from collections.abc import Sequence

import redis

from bsg_ledger import schema
from bsg_ledger.redis_clock import now_ms
from bsg_ledger.replies import typed
from bsg_ledger.scripts import Scripts, text_of
from bsg_ledger.suppressions import source_at_bsg

PUSH = "push"
_PROGRESS = schema.STOP_LISTS()


class StopListProgress:
    """Methods raise `redis.exceptions.RedisError`."""

    def __init__(self, client: redis.Redis, scripts: Scripts, account_name: str) -> None:
        self._client = typed(client)
        self._scripts = scripts
        self._name = account_name

    def step(self) -> str | None:
        """Return the step that is due: the offset of the next page, as digits, or PUSH; None if nothing is due yet."""
        step, due = self._client.hmget(_PROGRESS, f"{self._name}:step", f"{self._name}:due")
        if due is not None and int(due) > now_ms(self._client):
            return None
        return "0" if step is None else text_of(step)

    def record(self, step: str, *, due_in: float = 0.0, phones: Sequence[str] = ()) -> int:
        """Record a page's phones and the next step. Return how many phones were not suppressed before.

        This is one transition: after a crash before it, the page is read again.
        """
        reply = self._scripts.run(
            "stop_list_page", self._name, source_at_bsg(self._name), step, int(due_in * 1000), *phones
        )
        return int(reply[0])
