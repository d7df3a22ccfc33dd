"""What waits for BSG's word, of all accounts: statuses; an older key's campaigns, a shut gate, stops, doubt."""

from __future__ import annotations

from bsg_worker.accounts import Accounts
from bsg_worker.poll.poll import poll
from bsg_worker.reconcile.reconcile import reconcile
from bsg_worker.recovery.rekey import take_over
from bsg_worker.rounds import one_at_a_time
from bsg_worker.runtime import Runtime
from bsg_worker.upkeep.funds_watch import watch_funds
from bsg_worker.upkeep.probe import probe_gate
from bsg_worker.upkeep.stops import stop_at_bsg


def poll_all(accounts: Accounts) -> str:
    """One round of polls; answers what came of each account's."""
    return one_at_a_time(accounts.polling, lambda: accounts.each(poll))


def settle_all(accounts: Accounts) -> str:
    """One round over the rest of it; answers what came of each account's."""
    short = one_at_a_time(accounts.settling, lambda: accounts.each(_short_of))
    return _joined(short, accounts.each(reconcile))


def _short_of(runtime: Runtime) -> str:
    return _joined(take_over(runtime), probe_gate(runtime), stop_at_bsg(runtime), watch_funds(runtime))


def _joined(*outcomes: str) -> str:
    return "; ".join(filter(None, outcomes))
