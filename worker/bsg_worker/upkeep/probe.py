"""Probe whether a shut gate may open again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, InvalidOperation

from bsg_client.outcomes import ReadFailed
from bsg_ledger.funds import next_batch_cost
from bsg_ledger.gate import OPENED_BY_OPERATOR, GateReason, GateState
from bsg_worker.runtime import Runtime

PROBE_SECONDS = 15.0
TRIAL_AFTER = timedelta(minutes=10)
OUTCOMES = {
    "open": "gate opened",
    "half_open": "gate opened half: one batch goes through, and BSG's response to it decides",
    "shut": "gate stays shut: an operator has to open it",
}


def probe_gate(runtime: Runtime) -> str:
    """Ask BSG for the balance, if the gate is shut and a probe is due. Return the outcome.

    Only an operator opens some gates. After no funds, the gate opens when balance and credit cover the next batch, and
    half every ten minutes, because prices vary. After doubts, it opens half when BSG responds, because a read does not
    show whether BSG responds to requests to send. After a bad key or a blocked account, a response opens it, because
    BSG would not serve such an account.
    """
    gate = runtime.gate.state()
    if not gate.shut or gate.reason in OPENED_BY_OPERATOR:  # guard: probe-skips-operator
        return ""
    if not runtime.gate.probe_due(put_off_ms=int(min(PROBE_SECONDS, runtime.settings.bsg_poll_interval) * 1000)):
        return ""
    try:
        funds = runtime.client.balance()
    except ReadFailed as error:
        return f"gate stays shut ({gate.reason}): {error.cause}"  # guard: gate-opens-on-response
    # BSG: a campaign is charged to the balance and to the credit limit.
    return _recorded(runtime, gate, funds.balance + funds.credit)


def _recorded(runtime: Runtime, gate: GateState, funds: Decimal) -> str:
    short = _short_of_funds(runtime, gate, funds) if gate.reason == GateReason.NO_FUNDS else ""
    if short and not _shut_for_long(runtime, gate):  # guard: balance-covers-batch
        runtime.gate.note_balance(str(funds))
        return f"gate stays shut: {short}"
    return OUTCOMES[runtime.gate.reopen(by="probe", trial=bool(short), balance=str(funds))]


def _short_of_funds(runtime: Runtime, gate: GateState, funds: Decimal) -> str:
    """Return why these funds do not suffice for the next batch; "" if they do, as far as its price is known."""
    cost = next_batch_cost(runtime.redis, runtime.account.id, runtime.account.name)
    if funds <= 0 or (cost is not None and funds < cost):
        return "the balance does not cover the next batch"
    tried = _amount(gate.tried_balance)
    if tried is not None and funds <= tried:  # guard: balance-untried
        return "BSG took nothing for this balance"
    return ""


def _shut_for_long(runtime: Runtime, gate: GateState) -> bool:
    return gate.since is not None and runtime.ledger.due_indexes.now() - gate.since >= TRIAL_AFTER


def _amount(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None
