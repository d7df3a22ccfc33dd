"""A campaign's own transitions: accepted, paused, cancelled, expired, retried, forgotten.

A change of every batch of a campaign begins with a flag, in one step, and applies from then on. Further steps, each
atomic and safe to repeat, change a bounded number of batches. The caller takes all of them. If its process dies, upkeep
takes the remaining ones (`finish`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import redis

from bsg_ledger import schema
from bsg_ledger.compacted_reading import CompactedReading
from bsg_ledger.redis_clock import now_ms
from bsg_ledger.scripts import Scripts, text_of

STEPS = ("add_chunks", "rekey_some", "add_prepared", "end_unsent", "retry_some", "remove_compacted")
"""The scripts that take a step, in the order in which the steps that are left are taken."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """A message for a worker, and its queue."""

    queue: str
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The data of one commit. It sends `wake_up` if none waits. Times are milliseconds since the epoch.

    `has_hours`: batches may leave only at some hours of the day. The first dispatch requests the next hours.
    `last_chunk`: the messages of the last chunk, if `store_chunk` was not called with them.
    """

    campaign_id: str
    idempotency_key: str
    digest: str
    chunk_sizes: Sequence[int]
    options: str = field(repr=False)
    priority: str
    deadline_ms: int
    name: str
    account_name: str
    incarnation: str
    start_at_ms: int | None = None
    has_hours: bool = False
    wake_up: WakeUp | None = None
    max_cost: str = ""
    last_chunk: bytes = field(default=b"", repr=False)

    @property
    def messages(self) -> int:
        return sum(self.chunk_sizes)


@dataclass(frozen=True, slots=True)
class Accepted:
    """`kind` is accepted, duplicate, conflict or missing (the chunks expired before the commit)."""

    kind: str
    campaign_id: str
    messages: int


@dataclass(frozen=True, slots=True)
class Capped:
    """Which limit lets no more batches be sent, why, and the cost with the next one ("" if unknown)."""

    limit: str
    why: str
    total: str


class Campaigns:
    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts
        self._compacted = CompactedReading(client)

    # Before the commit: chunks of no campaign yet, which expire.

    def store_chunk(self, campaign_id: str, chunk: int, packed: bytes, *, keep_ms: int) -> None:
        """Store a chunk. All chunks expire after `keep_ms` unless the campaign is accepted or they are renewed."""
        self._scripts.run("store_chunk", campaign_id, chunk, packed, keep_ms)

    def renew_chunks(self, campaign_id: str, *, keep_ms: int) -> None:
        """Let the stored chunks expire `keep_ms` from now."""
        self._scripts.run("renew_chunks", campaign_id, keep_ms)

    def drop_chunks(self, campaign_id: str) -> None:
        self._client.unlink(schema.CAMPAIGN_MESSAGES(campaign_id))

    def accept(self, acceptance: Acceptance) -> Accepted:
        """Commit, and add all chunks. A repetition after a lost response returns `accepted` again."""
        accepted = self.commit(acceptance)
        if accepted.kind == "accepted" and len(acceptance.chunk_sizes) > self._scripts.batches_a_step:
            # The campaign is accepted, whatever fails from here on. Upkeep takes the remaining steps.
            with suppress(redis.RedisError):  # guard: accepted-whatever-fails
                self._scripts.all_steps("add_chunks", accepted.campaign_id)
        return accepted

    def commit(self, acceptance: Acceptance) -> Accepted:
        """Create the campaign, with as many of its chunks as one step adds."""
        wake_up = acceptance.wake_up
        reply = self._scripts.run(
            "accept", acceptance.campaign_id, acceptance.idempotency_key, acceptance.digest, acceptance.messages,
            acceptance.options, acceptance.priority, acceptance.deadline_ms, acceptance.name,
            "" if acceptance.start_at_ms is None else acceptance.start_at_ms, 1 if acceptance.has_hours else "",
            acceptance.incarnation,
            *((wake_up.queue, wake_up.message) if wake_up else ("", b"")), acceptance.max_cost,
            acceptance.last_chunk, acceptance.account_name, self._scripts.batches_a_step, *acceptance.chunk_sizes,
        )  # fmt: skip
        kind = text_of(reply[0])
        if kind == "missing":
            return Accepted(kind, acceptance.campaign_id, 0)
        return Accepted(kind, text_of(reply[1]), int(reply[2]) if len(reply) > 2 else 0)

    # After the commit.

    def set_hours(self, campaign_id: str, *, closed_at_ms: int, opens_at_ms: int, closes_at_ms: int) -> bool:
        """Record the sending hours after those that ended at `closed_at_ms`. Return False if another caller has."""
        reply = self._scripts.run("set_hours", campaign_id, closed_at_ms, opens_at_ms, closes_at_ms)
        return text_of(reply[0]) == "set"

    def pause(self, campaign_id: str) -> bool:
        """Hold unsent batches. Return False if there is no such campaign."""
        kind = text_of(self._scripts.run("pause", campaign_id)[0])
        return kind != "gone" or self._compacted.campaign(campaign_id) is not None

    def resume(self, campaign_id: str, *, max_cost: str = "", max_cost_per_day: str = "") -> bool | Capped:
        """Release unsent batches, with another `max_cost` if given, or `max_cost_per_day` ("none" removes it).

        Only a campaign of a stream has a `max_cost_per_day`. Return False if there is no such campaign. Return
        `Capped`, and change nothing, if the cap would pause or hold it again at once.
        """
        kind, *capped = map(text_of, self._scripts.run("resume", campaign_id, max_cost, max_cost_per_day))
        if kind == "gone":
            return self._compacted.campaign(campaign_id) is not None
        return Capped(*capped) if kind == "capped" else True

    def cancel(self, campaign_id: str) -> tuple[int, int] | None:
        """End unsent messages, and order the stops of BSG's campaigns.

        Return how many messages end, and how many are or may be at BSG; None if there is no such campaign.
        """
        kind, *counts = self._scripts.run("cancel", campaign_id)
        if text_of(kind) == "gone":
            campaign = self._compacted.campaign(campaign_id)
            return None if campaign is None else (0, int(campaign.fields.get("messages:finished", 0)))
        self.finish(campaign_id)
        unsent, sent = map(int, counts)
        return unsent, sent

    def expire(self, campaign_id: str) -> bool:
        """End unsent messages after the deadline, that of the campaign or those of its batches.

        Return False if that of the campaign has not passed, or there is no such campaign.
        """
        if self._scripts.all_steps("end_unsent", campaign_id) == "done":
            return True
        self._scripts.all_steps("expire_batches", campaign_id)  # guard: batches-expire-in-time
        return False

    def retry(self, campaign_id: str, *, deadline_ms: int | None) -> tuple[str, int]:
        """Send refused and expired messages again.

        Return `retried` with their number, or `late`, `forgotten`, `cancelled` or `gone`.
        """
        kind, *messages = self._scripts.run("retry", campaign_id, "" if deadline_ms is None else deadline_ms)
        if text_of(kind) == "gone" and (campaign := self._compacted.campaign(campaign_id)) is not None:
            return _retried_compacted(campaign.fields, deadline_ms, now_ms(self._client)), 0
        if not messages:
            return text_of(kind), 0
        self.finish(campaign_id)
        return text_of(kind), int(messages[0])

    def finish(self, campaign_id: str) -> None:
        """Take the remaining steps of an acceptance, a move to another key, a commit, a cancel or a retry."""
        for step in STEPS:
            self._scripts.all_steps(step, campaign_id)

    def forget_bodies(self, campaign_id: str) -> bool:
        """Delete a closed campaign's messages. Return False if the campaign has anything left to do."""
        return self._scripts.all_steps("forget_bodies", campaign_id) == "done"

    def forget(self, campaign_id: str) -> bool:
        """Delete a closed campaign. Return False if the campaign has anything left to do."""
        return self._scripts.all_steps("forget_campaign", campaign_id) == "done"


def _retried_compacted(fields: Mapping[str, str], deadline_ms: int | None, now: int) -> str:
    """Return what `retry.lua` returns for a campaign whose messages are forgotten. There is nothing else to change."""
    if fields.get("cancelled") == "1":
        return "cancelled"
    if (int(fields["deadline"]) if deadline_ms is None else deadline_ms) <= now:
        return "late"
    unsent = int(fields.get("messages:refused", 0)) + int(fields.get("messages:expired", 0))
    return "forgotten" if unsent else "retried"
