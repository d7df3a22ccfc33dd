"""Preparing goes on to sending: a campaign of a few messages waits in one queue, not in two."""

from __future__ import annotations

import pytest

from bsg_config.queues import PREPARE, SUBMIT, queue_of
from bsg_sandbox.server import Sandbox
from bsg_worker import prepare as preparing
from bsg_worker import submit as submitting
from bsg_worker.prepare import prepare_then_submit
from tests.config.test_doorbell import bells_in
from tests.scenarios.stage import messages
from tests.worker.bench import Bench


def enqueued(bench: Bench, count: int) -> str:
    """A campaign of which the one bell has just been answered."""
    campaign = bench.producer.enqueue(messages(count), sender="MyShop").campaign_id
    bench.runtime.redis.delete(queue_of(PREPARE))
    return campaign


def test_a_small_campaign_is_sent_at_its_first_bell(bench: Bench) -> None:
    campaign = enqueued(bench, 3)

    outcome = prepare_then_submit(bench.runtime, campaign)

    assert outcome == "prepared 1 parts; submitted: taken; nothing due"
    assert bench.status(campaign).state == "submitted"
    assert bench.runtime.queue_length(queue_of(SUBMIT)) == 0


def test_each_part_of_a_larger_one_rings_before_the_next_is_prepared(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for verb in (preparing, submitting):
        monkeypatch.setattr(verb, "AT_MOST_SECONDS", 60.0)
    with Sandbox() as sandbox:
        bench = Bench(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = enqueued(bench, 3)
        before = bench.runtime.queue_length(queue_of(SUBMIT))

        prepare_then_submit(bench.runtime, campaign)

        assert bench.runtime.queue_length(queue_of(SUBMIT)) - before == 2
        assert bench.status(campaign).counts["submitted"] == 3


def test_what_a_preparation_has_no_time_for_is_rung_for_behind_those_that_had_no_turn(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "AT_MOST_SECONDS", 0.0)
    with Sandbox() as sandbox:
        bench = Bench(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = enqueued(bench, 3)

        outcome = prepare_then_submit(bench.runtime, campaign)

        assert outcome == "prepared 1 parts, more to do"
        assert bench.runtime.queue_length(queue_of(PREPARE)) == 0
        waiting = [bell["task"] for bell in bells_in(redis_url, queue_of(SUBMIT))]
        assert waiting.count(PREPARE) == 1
        assert bench.status(campaign).counts["pending"] == 1


def test_a_small_campaign_is_sent_at_its_first_bell_however_many_others_wait(redis_url: str) -> None:
    with Sandbox() as sandbox:
        bench = Bench(redis_url, sandbox)
        campaign = enqueued(bench, 3)
        bench.producer.enqueue(messages(1, first_phone=380_670_000_000), sender="MyShop")

        assert prepare_then_submit(bench.runtime, campaign).startswith("prepared 1 parts; submitted: taken")
