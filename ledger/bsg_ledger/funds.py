"""The cost of an account's queue, by the prices that BSG has reported so far, and the account's funds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import redis

from bsg_ledger import schema
from bsg_ledger.due_indexes import DueIndexes, unassigned
from bsg_ledger.replies import typed
from bsg_ledger.scripts import Scripts, decoded, text_of


def next_batch_cost(client: redis.Redis, account: str, account_name: str) -> Decimal | None:
    """Return the cost of the next batch; None if none waits, or no price is known.

    A chunk that is not prepared yet counts as a batch. The campaign's own price comes before the account's last price,
    because it depends on the texts and the destinations.
    """
    reads = typed(client)
    due_indexes = DueIndexes(client, Scripts(client))
    for owner in (account, unassigned(account_name)):
        for campaign in due_indexes.next_campaigns(owner):
            for index, kind in ((schema.CAMPAIGN_DUE, schema.BATCH), (schema.CHUNKS, schema.CHUNK)):
                for number in map(text_of, reads.zrange(index(campaign), 0, 0)):
                    size = int(reads.hget(kind(campaign, number), "size") or 0)
                    cost, priced = reads.hmget(schema.CAMPAIGN(campaign), "cost", "priced")
                    price = _price(cost, priced, reads.hget(schema.GATE(account), "message_price"))
                    return None if price is None else price * size
    return None


_UNSENT = ("messages:unprepared", "messages:pending", "messages:posting")
_CAMPAIGNS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Funds:
    """`available`: balance and credit, when they were last read. `queued_cost`: the cost of the queue at that time."""

    available: Decimal
    currency: str
    queued_cost: Decimal


def queued_cost(client: redis.Redis, account: str, account_name: str) -> Decimal | None:
    """Return the cost of all messages that wait to be sent for the account; None if no price is known.

    Each campaign's own price comes before the account's last price.
    """
    reads = typed(client)
    last = reads.hget(schema.GATE(account), "message_price")
    names = [text_of(name) for name in reads.zrange(schema.OPEN(), 0, -1)]
    total, known = Decimal(0), last is not None
    for first in range(0, len(names), _CAMPAIGNS_AT_ONCE):
        pipe = reads.pipeline(transaction=False)
        for name in names[first : first + _CAMPAIGNS_AT_ONCE]:
            pipe.hmget(schema.CAMPAIGN(name), "account", "account_name", "cost", "priced", *_UNSENT)
        for owner, named, cost, priced, *unsent in pipe.execute():
            if (text_of(owner) if owner else None) not in (account, None) or (named or b"").decode() != account_name:
                continue
            price = _price(cost, priced, last)
            known = known or price is not None
            total += (price or Decimal(0)) * sum(int(count or 0) for count in unsent)
    return total if known else None


def _price(cost: bytes | None, priced: bytes | None, last: bytes | None) -> Decimal | None:
    if cost is not None and int(priced or 0) > 0:
        return Decimal(text_of(cost)) / int(priced or 0)
    return None if last is None else Decimal(text_of(last))


def noted_funds(client: redis.Redis, account: str) -> Funds | None:
    """Return the last comparison of the account's balance with its queue; None if there was none."""
    reads = typed(client)
    record = decoded(reads.hgetall(schema.FUNDS(account)))
    if not record:
        return None
    return Funds(Decimal(record["available"]), record["currency"], Decimal(record["queued_cost"]))
