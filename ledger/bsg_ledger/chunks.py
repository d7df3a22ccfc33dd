"""A chunk's transitions: from accepted messages to batches and rejects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import redis

from bsg_ledger import schema
from bsg_ledger.scripts import Argument, Scripts, text_of
from bsg_ledger.work import Prepare

KEEP_STAGED_MS = 600_000  # longer than any lease
Item = tuple[Argument, Argument, Argument]


@dataclass(frozen=True, slots=True)
class NothingDue:
    """No chunk is due now. `at` is when the next one is due, by Redis's clock (ms); None if there is none."""

    at: int | None


class Chunks:
    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def lease(self, campaign_id: str, token: str, *, lease_ms: int, losses_allowed: int) -> Prepare | NothingDue:
        """Lease the campaign's next due chunk, even if its account's gate is shut.

        The messages of a chunk that lost `losses_allowed` leases become rejects.
        """
        reply = self._scripts.run("lease_chunk", campaign_id, token, lease_ms, losses_allowed)
        while text_of(reply[0]) == "again":
            self._scripts.all_steps("add_prepared", campaign_id)
            reply = self._scripts.run("lease_chunk", campaign_id, token, lease_ms, losses_allowed)
        if text_of(reply[0]) == "none":
            return NothingDue(int(reply[1]) if int(reply[1]) >= 0 else None)
        _, _, chunk, packed, options, first_index, size, suppressions = reply
        return Prepare(
            campaign_id, int(chunk), token, packed, text_of(options), int(first_index), int(size), int(suppressions)
        )

    def prepared(
        self, lease: Prepare, batches: Sequence[tuple[int, str, bytes]], rejects: Sequence[tuple[int, str]]
    ) -> bool:
        """Commit the chunk's batches (size, rows, body) and rejects (index, JSON). Return False for a stale lease.

        Data that is too much for one step is staged before the commit, invisibly, and added after it.
        """
        if not self.commit(lease, batches, rejects):
            return False
        if len(batches) + len(rejects) > self._scripts.batches_a_step:
            self._scripts.all_steps("add_prepared", lease.campaign_id)
        return True

    def commit(
        self, lease: Prepare, batches: Sequence[tuple[int, str, bytes]], rejects: Sequence[tuple[int, str]]
    ) -> bool:
        """Commit a chunk, and add all of it if one step can. Return False, and change nothing, for a stale lease."""
        items: list[Item] = [*batches, *(("", index, row) for index, row in rejects)]
        staged = items if len(items) > self._scripts.batches_a_step else []
        self._stage(lease, staged)
        reply = self._scripts.run(
            "prepared", lease.campaign_id, lease.chunk, lease.token, lease.suppressions, len(batches), len(rejects),
            3 * len(staged), *chain.from_iterable([] if staged else items),
        )  # fmt: skip
        committed = text_of(reply[0]) == "prepared"
        if staged and not committed:
            self._client.unlink(_staged_key(lease))
        return committed

    def _stage(self, lease: Prepare, items: Sequence[Item]) -> None:
        for first in range(0, len(items), self._scripts.batches_a_step):
            some = items[first : first + self._scripts.batches_a_step]
            with self._client.pipeline(transaction=True) as pipe:  # no staged data may lack an expiry
                pipe.rpush(_staged_key(lease), *chain.from_iterable(some))
                pipe.pexpire(_staged_key(lease), KEEP_STAGED_MS)
                pipe.execute()

    def release(self, lease: Prepare, *, delay_ms: int, cause: str, unreadable: bool = False) -> bool:
        """Release the chunk without counting a lost lease. Return False for a stale lease.

        `unreadable`: its messages cannot be read here.
        """
        reply = self._scripts.run(
            "release_chunk", lease.campaign_id, lease.chunk, lease.token, delay_ms, cause, int(unreadable)
        )
        return text_of(reply[0]) == "unprepared"


def _staged_key(lease: Prepare) -> str:
    return schema.CHUNK_STAGED(lease.campaign_id, lease.chunk, lease.token)
