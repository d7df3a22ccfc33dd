"""When a gate that is shut opens again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.gate import GateReason
from bsg_sandbox.server import Sandbox
from bsg_worker.reconcile.reconcile import reconcile
from bsg_worker.upkeep.probe import probe_gate
from tests.worker.harness import WorkerHarness

HALF = "gate opened half: one batch goes through, and BSG's response to it decides"


@pytest.fixture
def without_funds(harness: WorkerHarness) -> WorkerHarness:
    harness.sandbox.fault("no_funds", times=1)
    harness.submitted(1)
    assert harness.runtime.gate.state().reason == GateReason.NO_FUNDS
    return harness


def age(harness: WorkerHarness, minutes: float) -> None:
    """Time passes by ageing what is stored: the gate has been shut for so long, and a probe is due."""
    client: Any = harness.runtime.redis  # redis-py types its replies as all that they might be
    client.hincrby(f"bsg:account:{harness.runtime.account.id}:gate", "since", -int(minutes * 60_000))
    client.hdel(f"bsg:account:{harness.runtime.account.id}:gate", "probe_at")


def fund(harness: WorkerHarness, balance: float, credit: float = 0.0) -> None:
    harness.sandbox.put_account("live_sandbox", balance=balance, credit=credit)


def test_funds_that_were_added_before_the_first_probe_open_the_gate(without_funds: WorkerHarness) -> None:
    fund(without_funds, 50.0)

    assert probe_gate(without_funds.runtime) == "gate opened"


def test_a_balance_that_is_not_above_zero_opens_nothing_while_no_price_is_known(without_funds: WorkerHarness) -> None:
    fund(without_funds, 0.0)

    assert probe_gate(without_funds.runtime) == "gate stays shut: the balance does not cover the next batch"
    assert without_funds.producer.gate().reason == GateReason.NO_FUNDS


# The sandbox asks 0.01 for a message. Balance and credit, and whether they cover a batch of 100.
@pytest.mark.parametrize(
    ("balance", "credit", "opens"), [(1.0, 0.0, True), (0.99, 0.0, False), (-9.0, 10.0, True), (-9.01, 10.0, False)]
)
def test_balance_and_credit_have_to_cover_the_next_batch_by_the_last_price_seen(
    harness: WorkerHarness, balance: float, credit: float, *, opens: bool
) -> None:
    harness.submitted(1)
    harness.prepared(100)
    harness.runtime.gate.shut(reason=GateReason.NO_FUNDS, by="test")
    fund(harness, balance, credit)

    assert (probe_gate(harness.runtime) == "gate opened") is opens


@pytest.mark.parametrize(("balance", "opens"), [(2.0, True), (1.99, False)])
def test_a_campaign_whose_price_is_known_is_held_against_that(
    harness: WorkerHarness, balance: float, *, opens: bool
) -> None:
    dear = harness.prepared(200)
    lease = harness.posting(dear)
    harness.runtime.ledger.batches.taken(
        lease.batch, account=harness.runtime.account.id, bsg_campaign_id=99, bsg_status="creation", next_poll_ms=0,
        cause="taken", price="2.0", currency="EUR",
    )  # fmt: skip
    harness.producer.pause(dear)
    harness.submitted(1)
    harness.producer.resume(dear)
    harness.runtime.gate.shut(reason=GateReason.NO_FUNDS, by="test")
    fund(harness, balance)

    assert (probe_gate(harness.runtime) == "gate opened") is opens


def test_a_balance_for_which_bsg_took_nothing_opens_the_gate_only_once_it_has_risen(
    without_funds: WorkerHarness,
) -> None:
    harness = without_funds
    fund(harness, 50.0)
    probe_gate(harness.runtime)
    harness.sandbox.fault("no_funds", times=1)
    harness.submitted(1)
    outcomes = [probe_gate(harness.runtime)]
    fund(harness, 50.1)
    age(harness, 0)
    outcomes.append(probe_gate(harness.runtime))

    assert outcomes == ["gate stays shut: BSG took nothing for this balance", "gate opened"]


def test_funds_that_are_used_up_and_added_again_open_the_gate_though_they_are_less_than_before(
    without_funds: WorkerHarness,
) -> None:
    harness = without_funds
    fund(harness, 50.0)
    probe_gate(harness.runtime)
    harness.submitted(1)
    harness.sandbox.fault("no_funds", times=1)
    harness.submitted(1)
    fund(harness, 20.0)

    assert probe_gate(harness.runtime) == "gate opened"


def test_prices_that_have_fallen_are_found_by_a_trial(without_funds: WorkerHarness) -> None:
    harness = without_funds
    fund(harness, 0.0)
    age(harness, 9)
    before = probe_gate(harness.runtime)
    age(harness, 1.1)

    assert before == "gate stays shut: the balance does not cover the next batch"
    assert probe_gate(harness.runtime) == HALF
    assert harness.producer.gate().half_open


def test_a_trial_that_finds_no_funds_shuts_the_gate_for_another_while(without_funds: WorkerHarness) -> None:
    fund(without_funds, 0.0)
    age(without_funds, 11)
    probe_gate(without_funds.runtime)
    without_funds.sandbox.fault("no_funds", times=1)
    without_funds.submitted(1)
    age(without_funds, 9)

    assert probe_gate(without_funds.runtime) == "gate stays shut: the balance does not cover the next batch"


def balance_asked(harness: WorkerHarness) -> int:
    return sum(request.path == "/api/accounts/balance" for request in harness.sandbox.requests())


@pytest.mark.parametrize("reason", [GateReason.OPERATOR, GateReason.LEDGER_WENT_BACK])
def test_what_an_operator_has_to_open_is_not_even_probed(harness: WorkerHarness, reason: GateReason) -> None:
    harness.runtime.gate.shut(reason=reason, by="test")

    assert probe_gate(harness.runtime) == ""
    assert not harness.producer.gate().open
    assert balance_asked(harness) == 0


def test_an_open_gate_is_not_probed(harness: WorkerHarness) -> None:
    assert probe_gate(harness.runtime) == ""
    assert balance_asked(harness) == 0


def test_after_doubts_the_gate_opens_half_once_bsg_responds_to_a_read(harness: WorkerHarness) -> None:
    harness.runtime.gate.shut(reason=GateReason.DOUBTS, by="test")
    harness.sandbox.fault("server_error_before", method="GET", path="/api/accounts/balance", times=1)
    age(harness, 1)

    outcomes = []
    for _ in range(2):
        outcomes.append(probe_gate(harness.runtime))
        age(harness, 1)

    assert outcomes == ["gate stays shut (doubts): HTTP 500", HALF]
    assert harness.producer.gate().half_open


@pytest.mark.parametrize("reason", [GateReason.BAD_KEY, GateReason.BLOCKED])
def test_a_bad_key_or_a_blocked_account_is_over_once_bsg_responds(harness: WorkerHarness, reason: GateReason) -> None:
    harness.runtime.gate.shut(reason=reason, by="test")

    assert probe_gate(harness.runtime) == "gate opened"
    assert harness.producer.gate().open


@pytest.fixture
def with_a_duplicate_window(redis_url: str) -> Iterator[WorkerHarness]:
    with Sandbox() as sandbox:
        yield WorkerHarness(redis_url, sandbox, BSG_DUPLICATE_WINDOW="3600")


def test_a_minute_of_502_leaves_few_in_doubt_opens_nothing_and_heals_by_itself(
    with_a_duplicate_window: WorkerHarness,
) -> None:
    harness = with_a_duplicate_window
    campaigns = [harness.prepared(1) for _ in range(60)]
    harness.sandbox.fault("server_error_before", status=502)
    opened = []
    for _ in range(60):
        a_second_passes(harness)
        opened.append(harness.producer.gate().open)
    attempts = sum(batch.attempts for campaign in campaigns for batch in harness.status(campaign).batches)
    harness.sandbox.clear_faults()
    for _ in range(120):
        a_second_passes(harness)

    assert attempts == 5 + 2  # the trials are after 15 s, and another 30 s
    assert not any(opened)
    assert [harness.status(campaign).counts["submitted"] for campaign in campaigns] == [1] * 60
    assert harness.sandbox.summary().repeated_references == 0


def a_second_passes(harness: WorkerHarness) -> None:
    """A task sends what it may, the gate is probed, and doubts are looked at; the first look ages meanwhile."""
    client: Any = harness.runtime.redis
    gate = f"bsg:account:{harness.runtime.account.id}:gate"
    for name in client.hkeys(gate):
        if name in (b"probe_at", b"since"):
            client.hincrby(gate, name, -1000)
    harness.dispatch()
    probe_gate(harness.runtime)
    harness.make_due(DueIndex.DOUBT)
    reconcile(harness.runtime)
