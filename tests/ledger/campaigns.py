"""Campaigns brought to a state, for the tests of the ledger: each builder goes one step further than the one before."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.batches import BatchLease
from bsg_ledger.campaigns import Acceptance, Accepted
from bsg_ledger.ledger import Ledger
from bsg_ledger.parts import PartLease

ACCOUNT = "account-of-the-tests"
LEASE_MS = 60_000
TIMEOUT_MS = 30_000
HOUR_MS = 3_600_000


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

    def acceptance(self, sizes: Sequence[int], **changes: Any) -> Acceptance:
        values: dict[str, Any] = {
            "campaign_id": secrets.token_hex(11),
            "idempotency_key": secrets.token_hex(11),
            "digest": "digest",
            "part_sizes": list(sizes),
            "envelope": "{}",
            "priority": "normal",
            "deadline_ms": self.ledger.due_indexes.now_ms() + HOUR_MS,
            "name": "",
            "account_name": DEFAULT_ACCOUNT,
            "window": 8,
            "incarnation": "incarnation",
        }
        return Acceptance(**{**values, **changes})

    def accept(self, acceptance: Acceptance) -> Accepted:
        for part in range(len(acceptance.part_sizes)):
            self.ledger.campaigns.store_part(acceptance.campaign_id, part, b"packed", keep_ms=HOUR_MS)
        return self.ledger.campaigns.accept(acceptance)

    def accepted(self, *sizes: int, **changes: Any) -> str:
        return self.accept(self.acceptance(sizes, **changes)).campaign_id

    def leased_part(self, campaign: str, *, losses_allowed: int = 5) -> PartLease:
        lease = self.ledger.parts.lease(
            campaign, "part-token", lease_ms=LEASE_MS, losses_allowed=losses_allowed, timeout_ms=TIMEOUT_MS
        )
        assert isinstance(lease, PartLease)
        return lease

    def prepared(self, *batch_sizes: int, rejects: int = 0, **changes: Any) -> str:
        """Return a campaign of one part whose messages became batches of those sizes, and rejects."""
        campaign = self.accepted(sum(batch_sizes) + rejects, **changes)
        first = sum(batch_sizes)
        assert self.ledger.parts.prepared(
            self.leased_part(campaign),
            [(size, f"0+{size}", b"body") for size in batch_sizes],
            [(index, json.dumps({"index": index})) for index in range(first, first + rejects)],
        )
        return campaign

    def claimed(self, campaign: str, *, account: str = ACCOUNT, token: str = "token") -> BatchLease:
        lease = self.ledger.batches.claim(
            campaign, bell="", account=account, account_name=DEFAULT_ACCOUNT, token=token, lease_ms=LEASE_MS
        )
        assert isinstance(lease, BatchLease), lease
        return lease

    def posting(self, campaign: str, *, duplicate_window_ms: int = 0, token: str = "token") -> BatchLease:
        lease = self.claimed(campaign, token=token)
        assert self.intend(lease, duplicate_window_ms=duplicate_window_ms) == "posting"
        return lease

    def intend(self, lease: BatchLease, *, duplicate_window_ms: int = 0, account: str = ACCOUNT) -> str:
        return self.ledger.batches.intend(
            lease, account=account, lease_ms=LEASE_MS, duplicate_window_ms=duplicate_window_ms
        )

    def unconfirmed(self, campaign: str) -> BatchLease:
        lease = self.posting(campaign)
        assert self.doubtful(lease) == "unconfirmed"
        return lease

    def doubtful(self, lease: BatchLease, *, doubts_allowed: int | None = 5) -> str:
        return self.ledger.batches.doubtful(lease, account=ACCOUNT, cause="read timeout", doubts_allowed=doubts_allowed)

    def absent(self, lease: BatchLease, *, window_ms: int, attempts: int = 1, sure: bool = True) -> str:
        return self.ledger.batches.absent(
            lease.campaign_id,
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
            campaign,
            batch,
            account=ACCOUNT,
            bsg_campaign_id=bsg_id,
            bsg_status="creation",
            next_poll_ms=0,
            cause="taken",
            token=token,
            others=others,
        )

    def submitted(self, campaign: str, bsg_id: int = 1) -> BatchLease:
        lease = self.posting(campaign)
        assert self.taken(campaign, lease.batch, bsg_id, token=lease.token) == "submitted"
        return lease

    def polled(self, lease: BatchLease, status: str, *, final: bool) -> str:
        return self.ledger.batches.polled(
            lease.campaign_id,
            lease.batch,
            status=status,
            final=final,
            statistics="{}",
            price="",
            currency="",
            total_messages=None,
            next_poll_ms=1000,
        )

    def unread(self, campaign: str, bsg_id: int, *, lost: bool, batch: int = 0) -> str:
        """BSG has said nothing of use about it for long."""
        cause = "HTTP 404" if lost else "HTTP 500"
        return self.ledger.batches.unread(
            campaign, batch, bsg_campaign_id=bsg_id, lost=lost, longer_than_ms=0, cause=cause, next_poll_ms=0
        )

    def counts(self, campaign: str) -> dict[str, int]:
        """Return the states that have messages; the conservation sum is checked on the way (rule 8)."""
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

    def batch_state(self, lease: BatchLease) -> str:
        return self.ledger.reading.batch_records([lease.batch_id])[0].state

    def causes(self, campaign: str) -> list[str]:
        return [transition.cause for transition in self.ledger.reading.transitions(campaign)]

    # Time passes by ageing what is stored, never by waiting.

    def end_part_lease(self, campaign: str, part: int = 0) -> None:
        self.client.hset(f"bsg:campaign:{campaign}:part:{part}", "lease_until", 1)
        self.client.zadd(f"bsg:campaign:{campaign}:parts", {str(part): 1})

    def end_lease(self, lease: BatchLease) -> None:
        self.client.hset(f"bsg:campaign:{lease.campaign_id}:batch:{lease.batch}", "lease_until", 1)
        self.client.zadd(f"bsg:account:{ACCOUNT}:leases", {lease.batch_id: 1})

    def pass_deadline(self, campaign: str) -> None:
        self.client.hset(f"bsg:campaign:{campaign}", "deadline", 1)
        self.client.zadd("bsg:deadlines", {campaign: 1})

    def age_intent(self, lease: BatchLease, milliseconds: int) -> None:
        key = f"bsg:campaign:{lease.campaign_id}:batch:{lease.batch}"
        self.client.hincrby(key, "first_intent_at", -milliseconds)
