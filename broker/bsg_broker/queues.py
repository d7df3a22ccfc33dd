"""The names of tasks and their queues."""

from __future__ import annotations

DISPATCH = "bsg.dispatch"
POLL = "bsg.poll"
RECONCILE = "bsg.reconcile"
SWEEP = "bsg.sweep"
PURGE = "bsg.purge"
STOP_LIST = "bsg.stoplist"
INDEX = "bsg.index"
PING = "bsg.ping"

DISPATCH_QUEUE = "dispatch"  # a worker with this queue as its option serves the dispatch queues of its accounts
STATUS_QUEUE = "status"


def dispatch_queue(account_name: str) -> str:
    """Return the queue of the account's wake-ups."""
    return f"{DISPATCH_QUEUE}.{account_name}"
