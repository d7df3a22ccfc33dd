"""Preparing goes on to sending: a campaign of a few messages waits in one queue, not in two."""

from __future__ import annotations

from bsg_broker.queues import PREPARE, SUBMIT, queue_of
from bsg_sandbox.server import Sandbox
from bsg_worker.prepare.prepare import prepare_next, prepare_then_submit
from tests.broker.test_doorbell import bells_in
from tests.failpoints.doors import watched
from tests.scenarios.stage import messages
from tests.worker.bench import Bench


def enqueued(bench: Bench, count: int) -> str:
    """A campaign of which the one bell has just been answered."""
    campaign = bench.producer.enqueue(messages(count), sender="MyShop").campaign_id
    bench.runtime.redis.delete(queue_of(PREPARE))
    return campaign


def preparations_that_go_on(redis_url: str) -> int:
    return [bell["task"] for bell in bells_in(redis_url, queue_of(SUBMIT))].count(PREPARE)


def test_a_small_campaign_is_sent_at_its_first_bell(bench: Bench) -> None:
    campaign = enqueued(bench, 3)

    outcome = prepare_then_submit(bench.runtime, campaign)

    assert outcome == "prepared; submitted: taken; nothing due"
    assert bench.status(campaign).state == "submitted"
    assert bench.runtime.queue_length(queue_of(SUBMIT)) == 0


def test_the_part_behind_is_rung_for_before_one_is_prepared_and_waits_behind_those_that_had_no_turn(
    redis_url: str,
) -> None:
    with Sandbox() as sandbox:
        bench = Bench(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = enqueued(bench, 3)
        seen: dict[str, int] = {}

        with watched(lambda point: seen.update({point: preparations_that_go_on(redis_url)})):
            prepare_next(bench.runtime, campaign)

        assert seen["after script lease_part"] == 0
        assert seen["before script prepared"] == 1
        assert bench.runtime.queue_length(queue_of(PREPARE)) == 0
        assert bench.status(campaign).counts["pending"] == 1


def test_nobody_is_rung_for_behind_the_last_part(redis_url: str) -> None:
    with Sandbox() as sandbox:
        bench = Bench(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = enqueued(bench, 2)

        for _ in range(2):
            prepare_next(bench.runtime, campaign)

        assert preparations_that_go_on(redis_url) == 1
        assert prepare_next(bench.runtime, campaign) is None


def test_one_turn_prepares_one_part_and_sends_it(redis_url: str) -> None:
    with Sandbox() as sandbox:
        bench = Bench(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = enqueued(bench, 3)

        outcome = prepare_then_submit(bench.runtime, campaign)

        assert outcome == "prepared; submitted: taken; nothing due"
        counts = bench.status(campaign).counts
        assert (counts["submitted"], counts["unprepared"]) == (1, 2)


def test_a_small_campaign_is_sent_at_its_first_bell_however_many_others_wait(redis_url: str) -> None:
    with Sandbox() as sandbox:
        bench = Bench(redis_url, sandbox)
        campaign = enqueued(bench, 3)
        bench.producer.enqueue(messages(1, first_phone=380_670_000_000), sender="MyShop")

        assert prepare_then_submit(bench.runtime, campaign).startswith("prepared; submitted: taken")
