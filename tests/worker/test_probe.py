"""Whether a shut gate may open again."""

from __future__ import annotations

import pytest

from bsg_ledger.gate import GateReason
from bsg_worker.probe import probe_gate
from tests.worker.bench import Bench


def balance_asked(bench: Bench) -> int:
    return sum(request.path == "/api/accounts/balance" for request in bench.sandbox.requests())


@pytest.mark.parametrize("reason", [GateReason.OPERATOR, GateReason.LEDGER_WENT_BACK])
def test_what_a_person_has_to_open_is_not_even_probed(bench: Bench, reason: GateReason) -> None:
    bench.runtime.gate.shut(reason=reason, by="test")

    assert probe_gate(bench.runtime) == ""
    assert not bench.producer.gate().open
    assert balance_asked(bench) == 0


def test_an_open_gate_is_not_probed(bench: Bench) -> None:
    assert probe_gate(bench.runtime) == ""
    assert balance_asked(bench) == 0


def test_doubts_are_over_when_bsg_answers(bench: Bench) -> None:
    bench.runtime.gate.shut(reason=GateReason.DOUBTS, by="test")
    bench.sandbox.fault("server_error_before", method="GET", path="/api/accounts/balance", times=1)

    outcomes = []
    for _ in range(2):
        outcomes.append(probe_gate(bench.runtime))
        bench.runtime.redis.hdel(f"bsg:account:{bench.runtime.account}:gate", "probe_at")

    assert outcomes == ["gate stays shut (doubts): HTTP 500", "gate opened"]
    assert bench.producer.gate().open


def test_a_gate_without_funds_stays_shut_until_the_balance_has_risen(bench: Bench) -> None:
    bench.runtime.gate.shut(reason=GateReason.NO_FUNDS, by="test")

    outcomes = []
    for _ in range(2):
        outcomes.append(probe_gate(bench.runtime))
        bench.runtime.redis.hdel(f"bsg:account:{bench.runtime.account}:gate", "probe_at")

    assert outcomes == ["gate stays shut: the balance has not risen"] * 2
    assert bench.producer.gate().reason == GateReason.NO_FUNDS
