"""The tasks' names, and the queue that each of them waits in."""

from __future__ import annotations

DISPATCH = "bsg.dispatch"
POLL = "bsg.poll"
RECONCILE = "bsg.reconcile"
SWEEP = "bsg.sweep"
PURGE = "bsg.purge"
STOP_LIST = "bsg.stoplist"
PING = "bsg.ping"

DISPATCH_QUEUE = "dispatch"  # the option of a worker that dispatches: it then serves those of its accounts
STATUS_QUEUE = "status"


def dispatch_queue(account_name: str) -> str:
    """Return the queue of the account's wake-ups."""
    return f"{DISPATCH_QUEUE}.{account_name}"
