"""What waits for BSG's word: a shut gate, stops, doubt."""

from __future__ import annotations

from bsg_worker.probe import probe_gate
from bsg_worker.reconcile import reconcile
from bsg_worker.rounds import one_at_a_time
from bsg_worker.runtime import Runtime
from bsg_worker.sweep import stop_at_bsg


def settle(runtime: Runtime) -> str:
    """One round over all of it; answers what came of each."""
    short = one_at_a_time(runtime.settling, lambda: _joined(probe_gate(runtime), stop_at_bsg(runtime)))
    return _joined(short, reconcile(runtime))


def _joined(*outcomes: str) -> str:
    return "; ".join(filter(None, outcomes))
