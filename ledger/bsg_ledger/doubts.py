"""Batches in doubt, as an operator sees them before deciding many at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import redis

from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.reading import Reading
from bsg_ledger.records import BatchRecord
from bsg_ledger.replies import typed
from bsg_ledger.scripts import text_of
from bsg_ledger.states import BatchState

_BATCHES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Doubt:
    """A batch that was on the wire without a clear response. `since`: its first attempt that may have been taken.

    `needs_operator`: BSG's data does not decide the doubt; `why` gives the reason. `no_trace`: BSG would show the
    batch if it had it, and does not. `if_not_sent`: the state of the batch if it was not sent; `pending` is sent again.

    >>> (doubt,) = [doubt for doubt in producer.doubts() if doubt.batch == batch_id]
    >>> doubt.messages, doubt.if_not_sent, doubt.may_be_resolved
    (2, 'pending', False)
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
        """Return whether it may be resolved as not sent with others: it needs an operator, and BSG has no trace."""
        return self.needs_operator and self.no_trace


def read_doubts(
    client: redis.Redis,
    reading: Reading,
    account: str,
    *,
    since: datetime | None,
    until: datetime | None,
    now: datetime,
) -> list[Doubt]:
    """Return the account's batches whose doubt began in that period, the oldest doubt first."""
    reads = typed(client)
    batches = [BatchId(text_of(name)) for name in reads.zrange(schema.DOUBT(account), 0, -1)]
    found = [
        _doubt(record, now)
        for first in range(0, len(batches), _BATCHES_AT_ONCE)
        for record in reading.batch_records(batches[first : first + _BATCHES_AT_ONCE])
        if record.state is BatchState.UNCONFIRMED
        and (since is None or record.since >= since)
        and (until is None or record.since < until)
    ]
    return sorted(found, key=lambda doubt: (doubt.since, doubt.batch))


def _doubt(record: BatchRecord, now: datetime) -> Doubt:
    return Doubt(
        batch=record.id,
        campaign_id=record.id.campaign_id,
        account_name=record.account_name,
        messages=record.size,
        since=record.since,
        attempts=record.attempts,
        needs_operator=record.needs_operator is not None,
        no_trace=record.no_trace,
        why=record.operator_reason or record.error or "",
        if_not_sent="cancelled" if record.cancelled else "expired" if record.deadline <= now else "pending",
    )
