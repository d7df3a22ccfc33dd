"""What comes of a chunk that the ledger dispatches."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from bsg_broker.queues import dispatch_queue
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.work import Prepare
from bsg_messages import preparation
from bsg_sandbox.server import Sandbox
from bsg_worker.prepare import prepare
from tests.failpoints.doors import watched
from tests.worker.harness import WorkerHarness

QUEUE = dispatch_queue(DEFAULT_ACCOUNT)


def test_another_worker_is_woken_before_a_chunk_is_prepared_if_there_is_another_one(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        harness.enqueued(2)
        seen: dict[str, int] = {}

        with watched(lambda point: seen.setdefault(point, harness.queue_length(QUEUE))):
            harness.dispatch()

        assert seen["after script dispatch: prepare"] == 0
        assert seen["before script prepared"] == 1


def test_nobody_is_woken_behind_the_last_chunk(harness: WorkerHarness) -> None:
    harness.enqueued(2)

    work = harness.runtime.dispatcher.next("token")

    assert isinstance(work, Prepare)
    assert not work.wake_another


def test_each_batch_is_sent_as_soon_as_it_is_prepared(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = harness.enqueued(2)

        outcome = harness.dispatch()

        assert outcome.split("; ") == [
            f"{campaign} chunk 0 prepared",
            f"{campaign}-0 submitted: taken",
            f"{campaign} chunk 1 prepared",
            f"{campaign}-1 submitted: taken",
        ]


def test_a_chunk_that_cannot_be_prepared_keeps_no_other_campaign_waiting(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = harness.enqueued(1, name="broken"), harness.enqueued(1)
    prepared = preparation.prepare

    def fails(*arguments: object, **options: object) -> object:
        if options["campaign_id"] == broken:
            raise RuntimeError("a phone")
        return prepared(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(prepare, "prepare", fails)

    outcome = harness.dispatch()

    assert f"{broken} chunk 0 failed: RuntimeError" in outcome
    assert f"{sound}-0 submitted: taken" in outcome


def test_a_redis_that_fails_while_a_chunk_is_prepared_costs_it_no_lease(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.producer.suppress(["380661231231"])
    campaign = harness.enqueued(2)
    suppressions = harness.runtime.ledger.suppressions
    read = suppressions.among

    def silent(phones: Sequence[str]) -> Collection[str]:
        raise RedisTimeoutError

    monkeypatch.setattr(suppressions, "among", silent)
    outcome = harness.dispatch()
    monkeypatch.setattr(suppressions, "among", read)
    harness.make_due(DueIndex.DUE)
    harness.dispatch()

    assert outcome.endswith("deferred 5 s: Redis did not return the suppression list (TimeoutError)")
    assert harness.runtime.redis.hget(f"bsg:campaign:{campaign}:chunk:0", "losses") == b"0"
    assert harness.status(campaign).counts["submitted"] == 2
