"""What waits for a BSG that does not respond takes one thread for each thing, however often beat ticks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.gate import GateReason
from bsg_worker.accounts import Accounts
from bsg_worker.poll.poll import poll
from bsg_worker.runtime import Runtime
from bsg_worker.status_pass import poll_all, run_status_pass
from tests.worker.harness import WorkerHarness

UNDER_WAY = "another pass is running"


def at_once(harness: WorkerHarness, verb: Callable[[Accounts], str]) -> list[str]:
    """Return what a silent BSG lets two ticks come to that overlap."""
    accounts = Accounts([harness.runtime])
    harness.sandbox.fault("silence_before", method="GET", path="/api/*", times=9)
    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(verb, [accounts] * 2))


def test_a_poll_is_not_begun_while_another_is_under_way(harness: WorkerHarness) -> None:
    harness.submitted(1)
    harness.make_due(DueIndex.LIVE)

    outcomes = at_once(harness, poll_all)

    assert outcomes.count(UNDER_WAY) == 1
    harness.sandbox.clear_faults()
    harness.make_due(DueIndex.LIVE)
    assert poll(harness.runtime) == "read 1 batches"


def test_a_probe_that_waits_keeps_the_next_from_waiting_too_and_no_doubt_from_being_looked_up(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.runtime.gate.shut(reason=GateReason.BLOCKED, by="test")
    monkeypatch.setattr("bsg_worker.upkeep.probe.PROBE_SECONDS", 0.0)  # due at each tick
    monkeypatch.setattr("bsg_worker.status_pass.reconcile", lambda _: "looked up")

    outcomes = at_once(harness, run_status_pass)

    assert sum(outcome.startswith(UNDER_WAY) for outcome in outcomes) == 1
    assert all("looked up" in outcome for outcome in outcomes)


def test_a_failure_that_nobody_foresaw_keeps_no_doubt_from_being_looked_up(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.sandbox.fault("cut_after", times=1)
    campaign = harness.prepared(1)
    harness.dispatch()
    harness.make_due(DueIndex.DOUBT)

    def failing(_: Runtime) -> str:
        raise LookupError("nobody foresaw this")

    monkeypatch.setattr("bsg_worker.status_pass.take_over", failing)

    with pytest.raises(LookupError, match="foresaw"):
        run_status_pass(Accounts([harness.runtime]))

    assert harness.batch(campaign).state == "submitted"
