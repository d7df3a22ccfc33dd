"""An account's gate: what shuts it, who is let through, when it is probed."""

from __future__ import annotations

from bsg_ledger.gate import GateReason
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, LedgerHarness


def test_a_closed_account_shuts_the_gate_and_refuses_no_batch_where_all_are_meant(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = ledger_harness.prepared(1)
    states = []
    for _ in range(3):
        lease = ledger_harness.posting(campaign)
        states.append(
            ledger_harness.ledger.batches.account_closed(
                lease, account=ACCOUNT, reason="no_funds", cause="402", shuts_allowed=0
            )
        )
        assert ledger_harness.ledger.gate(ACCOUNT).state().reason == GateReason.NO_FUNDS
        ledger_harness.ledger.gate(ACCOUNT).reopen(by="probe")

    assert states == ["pending"] * 3


def test_a_shut_gate_is_probed_no_oftener_than_asked(ledger_harness: LedgerHarness) -> None:
    gate = ledger_harness.ledger.gate(ACCOUNT)
    while_open = gate.probe_due(put_off_ms=HOUR_MS)
    gate.shut(reason=GateReason.BAD_KEY, by="test")

    assert not while_open
    assert [gate.probe_due(put_off_ms=HOUR_MS) for _ in range(2)] == [True, False]


def test_a_recovery_leaves_a_gate_open_that_an_operator_opened_meanwhile(ledger_harness: LedgerHarness) -> None:
    gate = ledger_harness.ledger.gate(ACCOUNT)
    gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="test")
    gate.open(reason="", by="operator")

    assert gate.open_recovered(by="test")
