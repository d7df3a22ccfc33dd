"""Finds out whether a shut gate may open again."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from bsg_config.crash_points import CrashPoint, reached
from bsg_ledger.gate import OPENED_BY_PERSONS, GateReason, GateState
from bsg_worker.client.outcomes import ReadFailed
from bsg_worker.runtime import Runtime

PROBE_SECONDS = 15.0


def probe_gate(runtime: Runtime) -> str:
    """Asks BSG for the balance, if the gate is shut and a probe is due; answers what came of it.

    No funds opens when the balance has risen since the gate was shut; what a person has to open, only by hand; the
    others when BSG answers at all, as it does not to a bad key, a blocked user or while it is ill.
    """
    gate = runtime.gate.state()
    if gate.open or gate.reason in OPENED_BY_PERSONS:
        return ""
    if not runtime.gate.probe_due(put_off_ms=int(min(PROBE_SECONDS, runtime.settings.bsg_poll_interval) * 1000)):
        return ""
    reached(CrashPoint.PROBE_TAKEN)
    try:
        balance = runtime.client.balance().balance
    except ReadFailed as error:
        return f"gate stays shut ({gate.reason}): {error.cause}"
    reached(CrashPoint.PROBE_ANSWERED)
    outcome = _recorded(runtime, gate, balance)
    reached(CrashPoint.PROBE_RECORDED)
    return outcome


def _recorded(runtime: Runtime, gate: GateState, balance: object) -> str:
    if gate.reason == GateReason.NO_FUNDS:
        before, now = _amount(gate.balance), _amount(balance)
        if before is None or now is None or now <= before:
            runtime.gate.note_balance(str(balance))
            return "gate stays shut: the balance has not risen"
    return "gate opened" if runtime.gate.reopen(by="probe") else "gate stays shut: a person has to open it"


def _amount(text: object) -> Decimal | None:
    try:
        return None if text is None else Decimal(str(text))
    except InvalidOperation:
        return None
