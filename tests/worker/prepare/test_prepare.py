"""Preparing goes on to sending: a campaign of a few messages waits in one queue, not in two."""

from __future__ import annotations

from bsg_broker.queues import PREPARE, SUBMIT, queue_of
from bsg_sandbox.server import Sandbox
from bsg_worker.prepare.prepare import prepare_next, prepare_then_submit
from tests.broker.test_doorbell import bells_in
from tests.failpoints.doors import watched
from tests.scenarios.environment import messages
from tests.worker.harness import WorkerHarness


def enqueued(harness: WorkerHarness, count: int) -> str:
    """Return a campaign of which the one bell has just been answered."""
    campaign = harness.producer.enqueue(messages(count), sender="MyShop").campaign_id
    harness.runtime.redis.delete(queue_of(PREPARE))
    return campaign


def preparations_that_go_on(redis_url: str) -> int:
    return [bell["task"] for bell in bells_in(redis_url, queue_of(SUBMIT))].count(PREPARE)


def test_a_small_campaign_is_sent_at_its_first_bell(harness: WorkerHarness) -> None:
    campaign = enqueued(harness, 3)

    outcome = prepare_then_submit(harness.runtime, campaign)

    assert outcome == "prepared; submitted: taken; nothing due"
    assert harness.status(campaign).state == "submitted"
    assert harness.runtime.queue_length(queue_of(SUBMIT)) == 0


def test_the_part_behind_is_rung_for_before_one_is_prepared_and_waits_behind_those_that_had_no_turn(
    redis_url: str,
) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = enqueued(harness, 3)
        seen: dict[str, int] = {}

        with watched(lambda point: seen.update({point: preparations_that_go_on(redis_url)})):
            prepare_next(harness.runtime, campaign)

        assert seen["after script lease_part"] == 0
        assert seen["before script prepared"] == 1
        assert harness.runtime.queue_length(queue_of(PREPARE)) == 0
        assert harness.status(campaign).counts["pending"] == 1


def test_nobody_is_rung_for_behind_the_last_part(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = enqueued(harness, 2)

        for _ in range(2):
            prepare_next(harness.runtime, campaign)

        assert preparations_that_go_on(redis_url) == 1
        assert prepare_next(harness.runtime, campaign) is None


def test_one_turn_prepares_one_part_and_sends_it(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = enqueued(harness, 3)

        outcome = prepare_then_submit(harness.runtime, campaign)

        assert outcome == "prepared; submitted: taken; nothing due"
        counts = harness.status(campaign).counts
        assert (counts["submitted"], counts["unprepared"]) == (1, 2)


def test_a_small_campaign_is_sent_at_its_first_bell_however_many_others_wait(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox)
        campaign = enqueued(harness, 3)
        harness.producer.enqueue(messages(1, first_phone=380_670_000_000), sender="MyShop")

        assert prepare_then_submit(harness.runtime, campaign).startswith("prepared; submitted: taken")
