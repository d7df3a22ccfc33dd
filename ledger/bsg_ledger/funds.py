"""What the next batch of an account will cost, by the prices that BSG has named so far."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import redis

from bsg_ledger.rooms import unstamped
from bsg_ledger.scripts import text_of


def next_batch_cost(client: redis.Redis, account: str, account_name: str) -> Decimal | None:
    """Return the cost of the batch that is sent next; None if none waits, or no price is known.

    The campaign's own price counts, before the last of the account: it depends on the texts and the destinations.
    """
    reads: Any = client  # redis-py types its replies as all that they might be
    for room in (account, unstamped(account_name)):
        for campaign in map(text_of, reads.zrange(f"bsg:account:{room}:due", 0, 0)):
            key = f"bsg:campaign:{campaign}"
            for batch in map(text_of, reads.zrange(f"{key}:due", 0, 0)):
                size = int(reads.hget(f"{key}:batch:{batch}", "size") or 0)
                cost, priced = reads.hmget(key, "cost", "priced")
                if cost is not None and int(priced or 0) > 0:
                    return Decimal(text_of(cost)) / int(priced) * size
                last = reads.hget(f"bsg:account:{account}:gate", "message_price")
                return None if last is None else Decimal(text_of(last)) * size
    return None
