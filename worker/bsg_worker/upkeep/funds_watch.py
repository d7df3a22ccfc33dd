"""Check regularly whether an account's balance covers its queue."""

from __future__ import annotations

import threading

from bsg_config import clock
from bsg_ledger.funds import queued_cost
from bsg_worker.row_requests import RowRequests
from bsg_worker.runtime import Runtime

READ_SECONDS = 300.0

_lock = threading.Lock()
_read_at: dict[str, float] = {}  # by account, on this process's monotonic clock


def watch_funds(runtime: Runtime) -> str:
    """Record the balance and the cost of the queue, at most every READ_SECONDS. Return a message if funds are short."""
    if not _due(runtime.account.id):
        return ""
    cost = queued_cost(runtime.redis, runtime.account.id, runtime.account.name)
    if cost is None:
        return ""
    with RowRequests(runtime).one():
        balance = runtime.client.balance()
        # BSG: a campaign is charged to the balance and to the credit limit.
        available = balance.balance + balance.credit
        runtime.ledger.note_funds(runtime.account.id, available, balance.currency or "", cost)
        if available < cost:
            return "the balance does not cover what is queued"
    return ""


def _due(account: str) -> bool:
    with _lock:
        now, before = clock.monotonic(), _read_at.get(account)
        if before is not None and now - before < READ_SECONDS:
            return False
        _read_at[account] = now
        return True
