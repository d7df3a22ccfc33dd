"""Who is woken for what was forgotten."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bsg_broker.queues import dispatch_queue
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.gate import GateReason
from bsg_ledger.scripts import Scripts
from bsg_worker.poll.poll import poll
from bsg_worker.upkeep.sweep import sweep
from tests.worker.harness import WorkerHarness

QUEUE = dispatch_queue(DEFAULT_ACCOUNT)


def woken(harness: WorkerHarness) -> int:
    """Return the wake-ups that wait after a sweep."""
    sweep(harness.runtime)
    return harness.queue_length(QUEUE)


def test_a_worker_is_woken_for_a_campaign_whose_wake_up_was_lost(harness: WorkerHarness) -> None:
    harness.enqueued(1)

    assert woken(harness) == 1


def test_a_worker_is_woken_for_a_batch_whose_time_has_come(harness: WorkerHarness) -> None:
    batch = harness.posting(harness.prepared(1))
    harness.runtime.ledger.batches.not_taken(batch, delay_ms=60_000, cause="test")
    before = woken(harness)
    harness.make_due(DueIndex.DUE)

    assert (before, woken(harness)) == (0, 1)


def test_nobody_is_woken_for_nothing_or_while_a_wake_up_waits(harness: WorkerHarness) -> None:
    nothing = woken(harness)
    harness.enqueued(1)

    assert nothing == 0
    assert [woken(harness) for _ in range(3)] == [1, 1, 1]


def test_nobody_is_woken_while_the_gate_is_shut(harness: WorkerHarness) -> None:
    harness.enqueued(1)
    harness.runtime.gate.shut(reason=GateReason.OPERATOR, by="test")
    shut = woken(harness)
    harness.runtime.gate.open(reason="", by="test")

    assert (shut, woken(harness)) == (0, 1)


def test_a_trial_that_died_on_the_wire_shuts_the_gate_again_which_is_a_warning_in_the_log(
    harness: WorkerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.runtime.gate.shut(reason=GateReason.DOUBTS, by="test")
    harness.runtime.gate.reopen(by="probe")
    lease = harness.posting(harness.prepared(1))
    client: Any = harness.runtime.redis
    client.hset(f"bsg:campaign:{lease.batch.campaign_id}:batch:{lease.batch.number}", "lease_until", 1)
    client.zadd(f"bsg:account:{harness.runtime.account.id}:leases", {lease.batch: 1})
    sweep(harness.runtime)

    assert harness.producer.gate().shut
    assert f"is shut by {lease.batch}" in caplog.text


def test_a_cancel_that_its_process_left_behind_the_flag_is_finished(harness: WorkerHarness) -> None:
    campaign = harness.prepared(3)
    Scripts(harness.runtime.redis).run("cancel", campaign)
    assert harness.status(campaign).counts["cancelled"] == 0

    outcome = sweep(harness.runtime)

    assert "1 finished" in outcome
    assert harness.status(campaign).counts["cancelled"] == 3
    assert "finished" not in sweep(harness.runtime)


def test_the_sweep_ends_a_stream_campaign_whose_time_is_over(harness: WorkerHarness) -> None:
    stream = harness.producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
    receipt = stream.send({"phone": "380661231231", "code": 1})
    harness.dispatch()
    campaign = harness.producer.message(receipt.message_id).campaign_id
    sweep(harness.runtime)
    before = harness.status(campaign).state
    harness.runtime.redis.hset(f"bsg:campaign:{campaign}", "collects_until", 1)
    harness.runtime.redis.zadd("bsg:collecting", {campaign: 1})
    harness.sandbox.advance(3600)
    harness.make_due(DueIndex.LIVE)
    sweep(harness.runtime)
    poll(harness.runtime)
    assert (before, harness.status(campaign).state) == ("submitted", "done")


def test_messages_of_a_paused_stream_and_behind_a_shut_gate_expire_in_time(harness: WorkerHarness) -> None:
    paused = harness.producer.stream("codes", sender="MyShop", deadline=0.05)
    receipts = [paused.send({"phone": 380661231231, "text": "Your code is 1234"})]
    paused.pause()
    harness.runtime.gate.shut(reason=GateReason.OPERATOR, by="test")
    orders = harness.producer.stream("orders", sender="MyShop", deadline=0.05)
    receipts.append(orders.send({"phone": 380661231231, "text": "Your order is on its way"}))
    time.sleep(0.06)  # Redis's own clock decides

    sweep(harness.runtime)

    assert [harness.producer.message(receipt.message_id).state for receipt in receipts] == ["expired", "expired"]
