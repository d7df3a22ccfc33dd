"""Who is rung for again."""

from __future__ import annotations

from typing import Any

import pytest

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.due_indexes import DueIndex, unassigned
from bsg_ledger.gate import GateReason
from bsg_ledger.scripts import Scripts
from bsg_sandbox.server import Sandbox
from bsg_worker.doorbells import ring_submits
from bsg_worker.upkeep.sweep import MAX_QUEUE, sweep
from tests.worker.harness import WorkerHarness

QUEUE = "submit.normal"

UNCLAIMED = f"bsg:account:{unassigned(DEFAULT_ACCOUNT)}:due"


def with_a_lost_bell(harness: WorkerHarness) -> str:
    campaign = harness.prepared(1)
    client: Any = harness.runtime.redis
    client.delete(QUEUE, f"bsg:campaign:{campaign}:rung")
    return campaign


def swept(harness: WorkerHarness, campaign: str) -> int:
    """Return the campaign's bells after a sweep for which all of them are due."""
    client: Any = harness.runtime.redis
    for member in client.zrange(UNCLAIMED, 0, -1):
        client.zadd(UNCLAIMED, {member: 1})
    sweep(harness.runtime)
    return int(client.zcard(f"bsg:campaign:{campaign}:rung"))


def test_large_campaigns_that_keep_the_queue_full_keep_no_lost_bell_from_being_rung_again(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1", CAMPAIGN_WINDOW="2")
        campaign = with_a_lost_bell(harness)
        large = [harness.prepared(5) for _ in range(2)]
        harness.runtime.redis.delete(QUEUE)
        for another in large:
            ring_submits(harness.runtime, another)
        assert harness.runtime.queue_length(QUEUE) == 4

        assert swept(harness, campaign) == 1


def test_nobody_is_rung_for_while_nobody_answers(harness: WorkerHarness) -> None:
    campaign = with_a_lost_bell(harness)
    harness.runtime.redis.rpush(QUEUE, *["bell"] * MAX_QUEUE)

    assert swept(harness, campaign) == 0


def test_a_queue_that_is_long_enough_gets_no_more_bells(harness: WorkerHarness) -> None:
    client: Any = harness.runtime.redis  # redis-py types its replies as all that they might be
    window = harness.settings.campaign_window
    for _ in range(window + 3):
        harness.prepared(1)
    queue = "submit.normal"
    client.delete(queue)
    for campaign in harness.producer.campaigns():  # as if the bells that rang for them had been lost
        client.delete(f"bsg:campaign:{campaign.campaign_id}:rung")
    harness.make_due(DueIndex.DUE)
    for member in client.zrange(UNCLAIMED, 0, -1):
        client.zadd(UNCLAIMED, {member: 1})

    sweep(harness.runtime)

    assert harness.runtime.queue_length(queue) == window


def test_what_nobody_has_claimed_is_not_rung_for_while_its_gate_is_shut(harness: WorkerHarness) -> None:
    campaign = with_a_lost_bell(harness)
    harness.runtime.gate.shut(reason=GateReason.OPERATOR, by="test")
    assert swept(harness, campaign) == 0

    harness.runtime.gate.open(reason="", by="test")

    sweep(harness.runtime)
    assert harness.runtime.redis.zcard(f"bsg:campaign:{campaign}:rung") == 1


def test_a_trial_that_died_on_the_wire_shuts_the_gate_again_which_is_a_warning_in_the_log(
    harness: WorkerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.runtime.gate.shut(reason=GateReason.DOUBTS, by="test")
    harness.runtime.gate.reopen(by="probe")
    lease = harness.posting(harness.prepared(1))
    client: Any = harness.runtime.redis
    client.hset(f"bsg:campaign:{lease.campaign_id}:batch:{lease.batch}", "lease_until", 1)
    client.zadd(f"bsg:account:{harness.runtime.account}:leases", {lease.batch_id: 1})
    sweep(harness.runtime)

    assert harness.producer.gate().shut
    assert f"is shut by {lease.batch_id}" in caplog.text


def test_a_half_open_gate_is_rung_for_by_one_campaign_at_a_time(harness: WorkerHarness) -> None:
    for _ in range(3):
        harness.prepared(1)
    claimed = harness.posting(harness.prepared(1, name="claimed before"))
    harness.runtime.ledger.batches.not_taken(claimed, delay_ms=0, cause="test")
    harness.runtime.gate.shut(reason=GateReason.DOUBTS, by="test")
    harness.runtime.gate.reopen(by="probe")
    harness.runtime.redis.delete("submit.normal")
    sweep(harness.runtime)

    assert harness.runtime.queue_length("submit.normal") == 2  # one that is assigned, one that nobody has claimed


def test_a_cancel_that_its_process_left_behind_the_flag_is_finished(harness: WorkerHarness) -> None:
    campaign = harness.prepared(3)
    Scripts(harness.runtime.redis).run("cancel", campaign)
    assert harness.status(campaign).counts["cancelled"] == 0

    outcome = sweep(harness.runtime)

    assert "1 finished" in outcome
    assert harness.status(campaign).counts["cancelled"] == 3
    assert "finished" not in sweep(harness.runtime)
