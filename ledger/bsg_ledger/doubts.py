"""Batches in doubt, each with how to decide it: an operator sees them before deciding many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis

from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.scripts import decoded, text_of
from bsg_ledger.times import to_datetime

_BATCHES_AT_ONCE = 500
_HEAD = ("account_name", "cancelled", "deadline", "accepted_at")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A batch that was on the wire without a clear response. `since`: its first attempt that may have been taken.

    `needs_operator`: what BSG shows does not decide it; `why` gives the reason. `no_trace`: BSG would show it, and
    shows nothing of it. `if_not_sent` is the state that it gets if it was not sent: `pending` is sent again.
    """

    batch: BatchId
    campaign_id: str
    account_name: str
    messages: int
    since: datetime
    attempts: int
    needs_operator: bool
    no_trace: bool
    why: str
    if_not_sent: str

    @property
    def may_be_resolved(self) -> bool:
        """Whether it may be called not sent together with others: an operator is asked, and BSG has no trace of it."""
        return self.needs_operator and self.no_trace


def read_doubts(
    client: redis.Redis, account: str, *, since: datetime | None, until: datetime | None, now: datetime
) -> list[Doubt]:
    """Return the account's batches in doubt since a moment of that period, the oldest doubt first."""
    reads: Any = client  # redis-py types its replies as all that they might be
    names = [BatchId(text_of(name)) for name in reads.zrange(schema.DOUBT(account), 0, -1)]
    found: list[Doubt] = []
    for first in range(0, len(names), _BATCHES_AT_ONCE):
        some = names[first : first + _BATCHES_AT_ONCE]
        pipe = reads.pipeline(transaction=False)
        for name in some:
            pipe.hgetall(schema.BATCH(*name.parts))
            pipe.hmget(schema.CAMPAIGN(name.campaign_id), *_HEAD)
        replies = pipe.execute()
        for name, raw, head in zip(some, replies[::2], replies[1::2], strict=True):
            record = decoded(raw)
            if record.get("state") == "unconfirmed" and head[0] is not None:
                found.append(_doubt(name, record, [text_of(value or b"") for value in head], now))
    in_period = [
        doubt for doubt in found if (since is None or doubt.since >= since) and (until is None or doubt.since < until)
    ]
    return sorted(in_period, key=lambda doubt: (doubt.since, doubt.batch))


def _doubt(name: BatchId, record: Mapping[str, str], head: Sequence[str], now: datetime) -> Doubt:
    account_name, cancelled, deadline, accepted_at = head
    return Doubt(
        batch=name,
        campaign_id=name.campaign_id,
        account_name=account_name,
        messages=int(record["size"]),
        since=to_datetime(int(record.get("first_intent_at", accepted_at))),
        attempts=int(record.get("attempts", 0)),
        needs_operator="needs_operator" in record,
        no_trace=record.get("no_trace") == "1",
        why=record.get("operator_reason") or record.get("error", ""),
        if_not_sent="cancelled" if cancelled == "1" else "expired" if to_datetime(int(deadline)) <= now else "pending",
    )
