"""Dispatch an account's work. One script decides what a worker does next, and writes the intent to send a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import redis

from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.batches import RejectRow
from bsg_ledger.durability import Durability, NotDurable
from bsg_ledger.replies import typed
from bsg_ledger.rollback_detector import RollbackDetector
from bsg_ledger.rows import decode_rows, encode_rows
from bsg_ledger.scripts import Reply, Scripts, text_of
from bsg_ledger.work import Again, GateShut, Nothing, OpenHours, Prepare, Recheck, Send, Wait, Work

FURTHEST_SLOT_US = 10_000_000  # no slot is reserved further ahead: one that is shows a clock that was set back
EARLY_SLOT_US = 50_000  # a slot that is free so soon is taken now: waiting for it would miss it slightly


class SendNotDurable(NotDurable):
    """The intent of `send` may not be on disk. Nothing may leave, and the intent has to be withdrawn."""

    def __init__(self, send: Send) -> None:
        super().__init__("the intent could not be written to disk in time: is the disk of Redis full or slow?")
        self.send = send


@dataclass(frozen=True, slots=True)
class SubmitRules:
    """The settings of an account for sending."""

    account: str
    account_name: str
    interval_us: int  # between two requests, by the rate limit
    burst: int
    lease_ms: int
    duplicate_window_ms: int
    next_look_ms: int
    chunk_lease_ms: int
    chunk_losses_allowed: int
    queue: str  # of the account's wake-ups
    early_us: int = EARLY_SLOT_US


class Dispatcher:
    """Methods raise `redis.exceptions.RedisError`. After a lost reply, the caller withdraws by its token."""

    def __init__(
        self,
        client: redis.Redis,
        scripts: Scripts,
        durability: Durability,
        rules: SubmitRules,
        detector: RollbackDetector | None = None,
    ) -> None:
        self._client = typed(client)
        self._scripts = scripts
        self._durability = durability
        self._rules = rules
        self._detector = detector

    def next(self, token: str, *, permit: bool = True) -> Work:
        """Return the next work. A batch to send is `posting`, and its intent is on disk.

        Raise `SendNotDurable` if the intent is not on disk. `token` names the caller's lease. Without a permit the
        caller may not send: it gets a chunk to prepare, if the senders need one, or nothing.
        """
        rules, detector = self._rules, self._detector
        reply, on_disk = self._durability.run(
            self._scripts, "dispatch", rules.account, rules.account_name, token, rules.lease_ms, rules.interval_us,
            rules.burst, FURTHEST_SLOT_US, rules.early_us, rules.duplicate_window_ms, rules.next_look_ms,
            rules.chunk_lease_ms, rules.chunk_losses_allowed, rules.queue, int(permit),
            detector.name if detector else "", detector.seen if detector else 0,
            *(detector.accounts if detector else ()),
        )  # fmt: skip
        work = _work(reply, token)
        if isinstance(work, Send):
            if detector is not None:
                detector.record_seen(int(reply[9]))
            if not on_disk:  # guard: intent-on-disk
                raise SendNotDurable(work)
        if isinstance(work, Again) and len(reply) > 1:
            self._scripts.all_steps("add_prepared", text_of(reply[1]))  # guard: given-up-rejected-at-once
        return work

    def withdraw(self, send: Send, *, delay_ms: int, cause: str, unreadable: bool = False) -> str:
        """Withdraw an intent: nothing has left. Return the batch's state. `unreadable`: it cannot be read here."""
        return self._first(
            "withdraw", *send.batch.parts, send.token, delay_ms, cause, self._rules.next_look_ms,
            int(unreadable),
        )  # fmt: skip

    def withdraw_lost(self, token: str, *, delay_ms: int, cause: str) -> BatchId | None:
        """Withdraw the intent of a lost reply. Return the id of its batch; None if there was none."""
        reply = self._scripts.run(
            "withdraw_lost", self._rules.account, token, delay_ms, cause, self._rules.next_look_ms
        )
        return BatchId(text_of(reply[1])) if len(reply) > 1 else None

    def suppression_checked(self, recheck: Recheck) -> str:
        """Record that no message is suppressed. The batch is due at once. Return `pending`, or `stale`."""
        return self._first("suppression_checked", *_as_read(recheck))

    def rows_suppressed(
        self, recheck: Recheck, *, rest: bytes, rest_rows: Sequence[int], rejects: Sequence[RejectRow]
    ) -> str:
        """Make the suppressed messages rejects. The rest is due at once. Return the batch's state."""
        return self._first(
            "rows_suppressed", *_as_read(recheck), self._rules.next_look_ms, rest, encode_rows(rest_rows),
            *(item for row in rejects for item in row),
        )  # fmt: skip

    def put_off(self, recheck: Recheck, *, delay_ms: int, cause: str) -> str:
        """Postpone a batch that cannot be read here by `delay_ms`. Return `pending`, or `stale`."""
        return self._first("put_off", *_as_read(recheck), delay_ms, cause)

    def is_unattended(self) -> bool:
        """Return whether something is ready and no wake-up waits in the queue."""
        account, unassigned = self._rules.account, f"-{self._rules.account_name}"
        pipe = self._client.pipeline(transaction=False)
        pipe.time()
        pipe.llen(self._rules.queue)
        for index in (schema.SENDABLE, schema.PREPARABLE):
            pipe.zcard(index(account))
        for one in (account, unassigned):
            pipe.zrange(schema.ACCOUNT_DUE(one), 0, 0, withscores=True)
        (seconds, microseconds), queued, sendable, preparable, *due = pipe.execute()
        now_ms = seconds * 1000 + microseconds // 1000
        return not queued and bool(sendable or preparable or any(at <= now_ms for some in due for _, at in some))

    def _first(self, name: str, *arguments: str | bytes | int) -> str:
        return text_of(self._scripts.run(name, *arguments)[0])


def _as_read(recheck: Recheck) -> tuple[str | int, ...]:
    return (
        *recheck.batch.parts, recheck.size, recheck.held_against, recheck.suppressions,
    )  # fmt: skip


def _batch(campaign: bytes, number: bytes) -> BatchId:
    return BatchId.of(text_of(campaign), int(number))


def _work(reply: Reply, token: str) -> Work:
    match text_of(reply[0]):
        case "send":
            _, campaign, batch, body, options, size, attempts, now, slot_in_us, _, hint = reply
            return Send(
                _batch(campaign, batch), token, text_of(options), int(size), int(attempts), body or b"",
                int(now), int(slot_in_us) / 1_000_000, hint == 1,
            )  # fmt: skip
        case "prepare":
            _, campaign, chunk, packed, options, first_index, size, suppressions, hint = reply
            return Prepare(
                text_of(campaign), int(chunk), token, packed or b"", text_of(options), int(first_index), int(size),
                int(suppressions), hint == 1,
            )  # fmt: skip
        case "recheck":
            _, campaign, batch, body, rows, options, size, attempts, held_against, suppressions = reply
            return Recheck(
                _batch(campaign, batch), text_of(options), body or b"", decode_rows(text_of(rows)), int(size),
                int(attempts), int(held_against), int(suppressions),
            )  # fmt: skip
        case "hours":
            _, campaign, options, closes_at, now = reply
            return OpenHours(text_of(campaign), text_of(options), int(closes_at), int(now))
        case "wait":
            return Wait(int(reply[1]) / 1000, reply[2] == 1)
        case "gate":
            return GateShut()
        case "again":
            return Again()
        case _:
            return Nothing()
