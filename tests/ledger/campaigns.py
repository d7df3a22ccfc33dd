"""Campaigns brought to a state, for the tests of the ledger: each builder goes one step further than the one before."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.batch_id import BatchId
from bsg_ledger.campaigns import Acceptance, Accepted
from bsg_ledger.dispatcher import Dispatcher, SubmitRules
from bsg_ledger.due_indexes import unassigned
from bsg_ledger.ledger import Ledger
from bsg_ledger.rollback_detector import RollbackDetector
from bsg_ledger.work import Prepare, Send, Work

ACCOUNT = "account-of-the-tests"
LEASE_MS = 60_000
HOUR_MS = 3_600_000
QUEUE = "dispatch.default"


@contextmanager
def others_hidden(client: redis.Redis, campaign: str) -> Iterator[None]:
    """Let no other campaign be dispatched for a while."""
    reads: Any = client  # redis-py types its replies as all that they might be
    hidden = {}
    for key in reads.scan_iter("bsg:account:*"):
        if key.decode().endswith((":sendable", ":preparable", ":due")):
            rows = reads.zrange(key, 0, -1, withscores=True)
            hidden[key] = {member: score for member, score in rows if member != campaign.encode()}
    for key, others in hidden.items():
        if others:
            reads.zrem(key, *others)
    yield
    for key, others in hidden.items():
        if others:
            reads.zadd(key, others)


@dataclass
class LedgerHarness:
    """A ledger, and the steps that tests make in it."""

    client: Any
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.client)

    @classmethod
    def at(cls, url: str) -> LedgerHarness:
        return cls(redis.Redis.from_url(url))

    def wait_for_next_millisecond(self) -> None:
        """Wait until what follows has a later time on Redis's clock than what was before."""
        before = self.ledger.due_indexes.now_ms()
        while self.ledger.due_indexes.now_ms() == before:
            pass

    def acceptance(self, sizes: Sequence[int], **changes: Any) -> Acceptance:
        values: dict[str, Any] = {
            "campaign_id": secrets.token_hex(11),
            "idempotency_key": secrets.token_hex(11),
            "digest": "digest",
            "chunk_sizes": list(sizes),
            "options": "{}",
            "priority": "normal",
            "deadline_ms": self.ledger.due_indexes.now_ms() + HOUR_MS,
            "name": "",
            "account_name": DEFAULT_ACCOUNT,
            "incarnation": "incarnation",
        }
        return Acceptance(**{**values, **changes})

    def accept(self, acceptance: Acceptance) -> Accepted:
        for chunk in range(len(acceptance.chunk_sizes)):
            self.ledger.campaigns.store_chunk(acceptance.campaign_id, chunk, b"packed", keep_ms=HOUR_MS)
        return self.ledger.campaigns.accept(acceptance)

    def accepted(self, *sizes: int, **changes: Any) -> str:
        return self.accept(self.acceptance(sizes, **changes)).campaign_id

    def dispatcher(
        self,
        *,
        account: str = ACCOUNT,
        account_name: str = DEFAULT_ACCOUNT,
        duplicate_window_ms: int = 0,
        interval_us: int = 1,
        losses_allowed: int = 5,
        detector: RollbackDetector | None = None,
    ) -> Dispatcher:
        rules = SubmitRules(
            account=account,
            account_name=account_name,
            interval_us=interval_us,
            burst=1,
            lease_ms=LEASE_MS,
            duplicate_window_ms=duplicate_window_ms,
            next_look_ms=0,
            chunk_lease_ms=LEASE_MS,
            chunk_losses_allowed=losses_allowed,
            queue=QUEUE,
        )
        return self.ledger.dispatcher(rules, detector)

    def next(self, *, token: str = "token", permit: bool = True, **rules: Any) -> Work:
        return self.dispatcher(**rules).next(token, permit=permit)

    def sending(self, *, token: str = "token", **rules: Any) -> Send:
        """Return the batch that is dispatched now."""
        work = self.next(token=token, **rules)
        assert isinstance(work, Send), work
        return work

    def preparing(self, *, token: str = "chunk-token", **rules: Any) -> Prepare:
        """Return the chunk that is dispatched now."""
        work = self.next(token=token, **rules)
        assert isinstance(work, Prepare), work
        return work

    def prepared(self, *batch_sizes: int, rejects: int = 0, **changes: Any) -> str:
        """Return a campaign of one chunk whose messages became batches of those sizes, and rejects."""
        campaign = self.accepted(sum(batch_sizes) + rejects, **changes)
        first = sum(batch_sizes)
        chunk = self.ledger.chunks.lease(campaign, "chunk-token", lease_ms=LEASE_MS, losses_allowed=5)
        assert isinstance(chunk, Prepare)
        assert self.ledger.chunks.prepared(
            chunk,
            [(size, f"0+{size}", b"body") for size in batch_sizes],
            [(index, json.dumps({"index": index})) for index in range(first, first + rejects)],
        )
        return campaign

    def posting(self, campaign: str, *, token: str = "token", **rules: Any) -> Send:
        """Return a batch of the campaign that is dispatched now."""
        with others_hidden(self.client, campaign):
            send = self.sending(token=token, **rules)
        assert send.batch.campaign_id == campaign
        return send

    def withdraw(self, send: Send, *, delay_ms: int = 0) -> str:
        return self.dispatcher().withdraw(send, delay_ms=delay_ms, cause="missed its slot")

    def unconfirmed(self, campaign: str) -> Send:
        lease = self.posting(campaign)
        assert self.doubtful(lease) == "unconfirmed"
        return lease

    def doubtful(self, lease: Send, *, doubts_allowed: int | None = 5) -> str:
        return self.ledger.batches.doubtful(lease, account=ACCOUNT, cause="read timeout", doubts_allowed=doubts_allowed)

    def absent(self, lease: Send, *, window_ms: int, attempts: int = 1, sure: bool = True) -> str:
        return self.ledger.batches.absent(
            lease.batch,
            attempts=attempts,
            duplicate_window_ms=window_ms,
            delay_ms=0,
            look_again_ms=1000,
            cause="absent",
            sure=sure,
        )

    def taken(self, campaign: str, batch: int, bsg_id: int, *others: int, token: str = "") -> str:
        return self.ledger.batches.taken(
            BatchId.of(campaign, batch),
            account=ACCOUNT,
            bsg_campaign_id=bsg_id,
            bsg_status="creation",
            next_poll_ms=0,
            cause="taken",
            token=token,
            others=others,
        )

    def submitted(self, campaign: str, bsg_id: int = 1) -> Send:
        lease = self.posting(campaign)
        assert self.taken(campaign, lease.batch.number, bsg_id, token=lease.token) == "submitted"
        return lease

    def polled(self, lease: Send, status: str, *, final: bool) -> str:
        return self.ledger.batches.polled(
            lease.batch,
            status=status,
            final=final,
            statistics="{}",
            price="",
            currency="",
            total_messages=None,
            next_poll_ms=1000,
        )

    def shrink(self, campaign: str, *rejects: tuple[int, str], state: str, size: int) -> str:
        """Make messages of the campaign's first batch rejects, as they were found in that state and size of it."""
        return self.ledger.batches.shrink(
            BatchId.of(campaign, 0),
            state=state,
            size=size,
            rest=b"",
            rest_rows=[],
            cause="BSG left messages out",
            rejects=rejects,
        )

    def unread(self, campaign: str, bsg_id: int, *, lost: bool, batch: int = 0) -> str:
        """BSG has said nothing of use about it for long."""
        cause = "HTTP 404" if lost else "HTTP 500"
        return self.ledger.batches.unread(
            BatchId.of(campaign, batch),
            bsg_campaign_id=bsg_id,
            lost=lost,
            longer_than_ms=0,
            cause=cause,
            next_poll_ms=0,
        )

    def counts(self, campaign: str) -> dict[str, int]:
        """Return the states that have messages; the conservation sum is checked on the way."""
        status = self.ledger.reading.status(campaign)
        assert status is not None
        counts = dict(status.counts)
        accepted = counts.pop("accepted")
        assert accepted == sum(counts.values()), counts
        by_batch: dict[str, int] = {}
        for batch in status.batches:
            by_batch[batch.state] = by_batch.get(batch.state, 0) + batch.size
        for state, messages in by_batch.items():
            assert counts[state] >= messages, (state, counts, by_batch)
        return {state: messages for state, messages in counts.items() if messages}

    def state(self, campaign: str) -> str:
        status = self.ledger.reading.status(campaign)
        assert status is not None
        return status.state.value

    def batch_state(self, lease: Send) -> str:
        return self.ledger.reading.batch_records([lease.batch])[0].state

    def causes(self, campaign: str) -> list[str]:
        return [transition.cause for transition in self.ledger.reading.transitions(campaign)]

    # Time passes by ageing what is stored, never by waiting.

    def end_chunk_lease(self, campaign: str, chunk: int = 0) -> None:
        self.client.hset(f"bsg:campaign:{campaign}:chunk:{chunk}", "lease_until", 1)
        self.client.zadd(f"bsg:campaign:{campaign}:chunks", {str(chunk): 1})
        self.look_at(campaign)

    def look_at(self, campaign: str) -> None:
        """The next dispatch looks what is due of it."""
        account = self.client.hget(f"bsg:campaign:{campaign}", "account").decode()
        self.client.zadd(f"bsg:account:{account or unassigned(DEFAULT_ACCOUNT)}:due", {campaign: 1})

    def end_backoff(self, campaign: str, batch: int = 0) -> None:
        self.client.zadd(f"bsg:campaign:{campaign}:due", {str(batch): 1})
        self.look_at(campaign)

    def end_lease(self, lease: Send) -> None:
        self.client.hset(f"bsg:campaign:{lease.batch.campaign_id}:batch:{lease.batch.number}", "lease_until", 1)
        self.client.zadd(f"bsg:account:{ACCOUNT}:leases", {lease.batch: 1})

    def pass_deadline(self, campaign: str) -> None:
        self.client.hset(f"bsg:campaign:{campaign}", "deadline", 1)
        self.client.zadd("bsg:deadlines", {campaign: 1})

    def age_intent(self, lease: Send, milliseconds: int) -> None:
        key = f"bsg:campaign:{lease.batch.campaign_id}:batch:{lease.batch.number}"
        self.client.hincrby(key, "first_intent_at", -milliseconds)
