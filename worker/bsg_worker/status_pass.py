"""The status pass over all accounts: polls, campaigns of an older key, shut gates, stops and doubts."""

from __future__ import annotations

from bsg_worker.accounts import Accounts
from bsg_worker.passes import one_at_a_time
from bsg_worker.poll.poll import poll
from bsg_worker.reconcile.reconcile import reconcile
from bsg_worker.recovery.rekey import take_over
from bsg_worker.runtime import Runtime
from bsg_worker.upkeep.funds_watch import watch_funds
from bsg_worker.upkeep.probe import probe_gate
from bsg_worker.upkeep.stops import stop_at_bsg


def poll_all(accounts: Accounts) -> str:
    """Poll once for each account. Return the outcomes."""
    return one_at_a_time(accounts.polling, lambda: accounts.each(poll))


def run_status_pass(accounts: Accounts) -> str:
    """Run the rest of the status pass for each account. Return the outcomes."""
    try:
        short = one_at_a_time(accounts.status_pass, lambda: accounts.each(_short_of))
    finally:
        # A failure that lasts must not keep doubts from being looked up.
        doubts = accounts.each(reconcile)
    return _joined(short, doubts)


def _short_of(runtime: Runtime) -> str:
    return _joined(take_over(runtime), probe_gate(runtime), stop_at_bsg(runtime), watch_funds(runtime))


def _joined(*outcomes: str) -> str:
    return "; ".join(filter(None, outcomes))
