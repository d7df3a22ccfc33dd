"""When a gate that is shut opens again by itself."""

from __future__ import annotations

from typing import Any

import pytest

from bsg_ledger.gate import GateReason
from bsg_worker.probe import probe_gate
from tests.worker.bench import Bench


@pytest.fixture
def without_funds(bench: Bench) -> Bench:
    bench.sandbox.fault("no_funds", times=1)
    bench.submitted(1)
    assert bench.runtime.gate.state().reason == GateReason.NO_FUNDS
    return bench


def age(bench: Bench, minutes: float) -> None:
    """Time passes by ageing what is stored: the gate has been shut for so long, and a probe is due."""
    client: Any = bench.runtime.redis  # redis-py types its replies as all that they might be
    client.hincrby(f"bsg:account:{bench.runtime.account}:gate", "since", -int(minutes * 60_000))
    client.hdel(f"bsg:account:{bench.runtime.account}:gate", "probe_at")


def test_no_funds_opens_when_the_balance_has_risen(without_funds: Bench) -> None:
    assert probe_gate(without_funds.runtime) == "gate stays shut: the balance has not risen"
    without_funds.runtime.gate.note_balance("1.5")
    age(without_funds, 0)

    assert probe_gate(without_funds.runtime) == "gate opened"


def test_funds_that_were_added_before_the_first_probe_are_found_by_a_trial(without_funds: Bench) -> None:
    age(without_funds, 9)
    assert probe_gate(without_funds.runtime) == "gate stays shut: the balance has not risen"
    age(without_funds, 1.1)

    assert probe_gate(without_funds.runtime) == "gate opened, for a trial"


def test_a_trial_that_finds_no_funds_shuts_the_gate_for_another_while(without_funds: Bench) -> None:
    age(without_funds, 11)
    probe_gate(without_funds.runtime)
    without_funds.sandbox.fault("no_funds", times=1)
    without_funds.submitted(1)
    age(without_funds, 9)

    assert probe_gate(without_funds.runtime) == "gate stays shut: the balance has not risen"


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
