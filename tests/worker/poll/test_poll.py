"""A poll of many batches is done soon, and holds its thread for no longer than it may."""

from __future__ import annotations

import pytest

from bsg_client import lists
from bsg_ledger.due_indexes import DueIndex
from bsg_sandbox.server import Sandbox
from bsg_worker.poll import poll as polling
from bsg_worker.poll.poll import poll
from tests.worker.harness import WorkerHarness

MANY = polling.MAX_ONE_BY_ONE + 2  # so many that they are read from BSG's list


def many_that_end(redis_url: str, sandbox: Sandbox, **settings: str) -> tuple[WorkerHarness, str]:
    """Batches that are done at BSG, each of which asks for its total with a request of its own."""
    harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1", **settings)
    campaign = harness.submitted(MANY)
    sandbox.advance(60)
    harness.make_due(DueIndex.LIVE)
    sandbox.fault("latency", seconds=0.2, path="/api/campaigns/*/detail", method="GET")
    return harness, campaign


def test_several_totals_are_asked_for_at_once_as_many_as_a_worker_may_have_in_flight(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness, _ = many_that_end(redis_url, sandbox, WORKER_IN_FLIGHT="4")

        outcome = poll(harness.runtime)

        assert outcome == f"read {MANY} batches"
        assert 1 < sandbox.summary().most_requests_at_once <= 4


def test_what_a_poll_has_no_time_for_is_due_at_the_next(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox() as sandbox:
        harness, campaign = many_that_end(redis_url, sandbox, WORKER_IN_FLIGHT="1")
        monkeypatch.setattr(polling, "AT_MOST_SECONDS", 1.0)  # of the two and a half that all of them take

        poll(harness.runtime)

        left = harness.status(campaign).counts["submitted"]
        assert left > 0
        monkeypatch.undo()
        assert poll(harness.runtime) == f"read {left} batches"


def test_the_price_of_its_creation_stands_when_bsg_shows_none_in_its_list(redis_url: str) -> None:
    with Sandbox(creation_seconds=60) as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = harness.submitted(MANY)
        harness.make_due(DueIndex.LIVE)

        outcome = poll(harness.runtime)

        assert outcome == f"read {MANY} batches"
        assert {batch.cost for batch in harness.status(campaign).batches} == {"0.01 EUR"}


def test_many_live_batches_are_polled_with_a_list_request_a_page(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_PAGE", 50)
    with Sandbox(sending_seconds=36_000_000.0) as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        harness.submitted(120)
        harness.make_due(DueIndex.LIVE)
        before = len(sandbox.requests())

        outcome = poll(harness.runtime)

        assert outcome == "read 120 batches"
        assert 3 <= len(sandbox.requests()) - before <= 6
