"""Finds out whether a shut gate may open again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, InvalidOperation

from bsg_config.crash_points import CrashPoint, reached
from bsg_ledger.gate import OPENED_BY_PERSONS, GateReason, GateState
from bsg_ledger.moments import moment
from bsg_worker.client.outcomes import ReadFailed
from bsg_worker.runtime import Runtime

PROBE_SECONDS = 15.0
TRIAL_AFTER = timedelta(minutes=10)


def probe_gate(runtime: Runtime) -> str:
    """Asks BSG for the balance, if the gate is shut and a probe is due; answers what came of it.

    No funds opens when the balance has risen since the last probe, and every ten minutes for a trial: a rise before the
    first probe shows in no balance, nor does credit. What a person has to open opens only by hand; the others when BSG
    answers at all, as it does not to a bad key, a blocked user or while it is ill.
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
    trial = gate.reason == GateReason.NO_FUNDS and not _risen(gate.balance, balance)
    if trial and not _shut_for_long(runtime, gate):
        runtime.gate.note_balance(str(balance))
        return "gate stays shut: the balance has not risen"
    if not runtime.gate.reopen(by="probe"):
        return "gate stays shut: a person has to open it"
    return "gate opened, for a trial" if trial else "gate opened"


def _risen(before: object, now: object) -> bool:
    earlier, later = _amount(before), _amount(now)
    return earlier is not None and later is not None and later > earlier


def _shut_for_long(runtime: Runtime, gate: GateState) -> bool:
    return gate.since is not None and moment(runtime.ledger.rooms.now_ms()) - gate.since >= TRIAL_AFTER


def _amount(text: object) -> Decimal | None:
    try:
        return None if text is None else Decimal(str(text))
    except InvalidOperation:
        return None
