"""Log a warning when an account's gate is shut: from then on nothing leaves for it."""

from __future__ import annotations

import logging
from collections.abc import Collection

from bsg_ledger.gate_reasons import shut_for
from bsg_worker.runtime import Runtime

LOGGER = logging.getLogger(__name__)


def warn_of_shut_gate(runtime: Runtime, by: Collection[str]) -> None:
    """Log a warning if one of `by` has shut the account's gate: the id of a batch, or "a read"."""
    gate = runtime.gate.state()
    if gate.shut and gate.by in by:
        name = runtime.account.name
        shut = shut_for(gate.reason, name)
        LOGGER.warning("The gate of the account %s is shut by %s: %s. %s", name, gate.by, shut.why, shut.opens)
