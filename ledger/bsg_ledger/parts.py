"""A part's transitions: from accepted messages to batches and rejects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import redis

from bsg_ledger import schema
from bsg_ledger.scripts import Argument, Scripts, text_of

KEEP_STAGED_MS = 600_000  # longer than any lease
Item = tuple[Argument, Argument, Argument]


@dataclass(frozen=True, slots=True)
class PartLease:
    """A part in the hands of one worker, until its lease ends. `another_due`: somebody may take the next one now.

    `suppressions`: the list of suppressed phones to hold its messages against; 0: there has never been one.
    """

    campaign_id: str
    part: int
    token: str
    packed: bytes = field(repr=False)
    envelope: str = field(repr=False)
    first_index: int
    size: int
    another_due: bool
    suppressions: int


@dataclass(frozen=True, slots=True)
class NothingDue:
    """Nothing to take now; `at` is when the next one is due (milliseconds of Redis's clock), None if there is none."""

    at: int | None


class Parts:
    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def lease(
        self, campaign_id: str, token: str, *, lease_ms: int, losses_allowed: int, timeout_ms: int
    ) -> PartLease | NothingDue:
        """Take the campaign's next due part; a part that lost `losses_allowed` leases becomes rejects on the way.

        Where another is due, the sweep trusts for `timeout_ms` that the caller goes on with it or rings for it.
        """
        answer = self._scripts.run("lease_part", campaign_id, token, lease_ms, losses_allowed, timeout_ms)
        if text_of(answer[0]) == "none":
            return NothingDue(int(answer[1]) if int(answer[1]) >= 0 else None)
        _, part, packed, envelope, first_index, size, another_due, suppressions = answer
        return PartLease(
            campaign_id,
            int(part),
            token,
            packed,
            text_of(envelope),
            int(first_index),
            int(size),
            another_due == 1,
            int(suppressions),
        )

    def prepared(
        self, lease: PartLease, batches: Sequence[tuple[int, str, bytes]], rejects: Sequence[tuple[int, str]]
    ) -> bool:
        """Commit all batches (size, rows, body) and rejects (index, JSON) of the chunk. False: the lease is stale.

        What is too much for one step is staged before the commit, where nobody looks, and added after it.
        """
        if not self.commit(lease, batches, rejects):
            return False
        if len(batches) + len(rejects) > self._scripts.batches_a_step:
            self._scripts.all_steps("add_prepared", lease.campaign_id)
        return True

    def commit(
        self, lease: PartLease, batches: Sequence[tuple[int, str, bytes]], rejects: Sequence[tuple[int, str]]
    ) -> bool:
        """Commit a chunk, and add all of it if one step can. False: the lease is stale, and nothing has changed."""
        items: list[Item] = [*batches, *(("", index, row) for index, row in rejects)]
        staged = items if len(items) > self._scripts.batches_a_step else []
        self._stage(lease, staged)
        answer = self._scripts.run(
            "prepared", lease.campaign_id, lease.part, lease.token, lease.suppressions, len(batches), len(rejects),
            3 * len(staged), *chain.from_iterable([] if staged else items),
        )  # fmt: skip
        committed = text_of(answer[0]) == "prepared"
        if staged and not committed:
            self._client.unlink(_staged_key(lease))
        return committed

    def _stage(self, lease: PartLease, items: Sequence[Item]) -> None:
        for first in range(0, len(items), self._scripts.batches_a_step):
            some = items[first : first + self._scripts.batches_a_step]
            with self._client.pipeline(transaction=True) as pipe:  # nothing stays without an expiry
                pipe.rpush(_staged_key(lease), *chain.from_iterable(some))
                pipe.pexpire(_staged_key(lease), KEEP_STAGED_MS)
                pipe.execute()

    def release(self, lease: PartLease, *, delay_ms: int, cause: str, unreadable: bool = False) -> bool:
        """Give the part back, without counting it as a lost lease. False: the lease is stale.

        `unreadable`: its messages cannot be read here.
        """
        answer = self._scripts.run(
            "release_part", lease.campaign_id, lease.part, lease.token, delay_ms, cause, int(unreadable)
        )
        return text_of(answer[0]) == "unprepared"


def _staged_key(lease: PartLease) -> str:
    return schema.PART_STAGED(lease.campaign_id, lease.part, lease.token)
