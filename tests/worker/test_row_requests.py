"""A row that BSG never responds to keeps no other row waiting."""

from __future__ import annotations

from typing import Any

import pytest

from bsg_client.outcomes import ReadFailed
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.gate import GateReason
from bsg_sandbox.server import Sandbox
from bsg_worker.poll.poll import poll
from bsg_worker.reconcile.reconcile import reconcile
from bsg_worker.row_requests import RowRequests
from bsg_worker.upkeep.stops import stop_at_bsg
from tests.worker.harness import WorkerHarness

UNKNOWN = 999  # no campaign at BSG has that id: need_operator for it gets 404


def over_after(harness: WorkerHarness, *failures: ReadFailed | None) -> bool:
    """Return whether a pass in which that happened is over."""
    requests = RowRequests(harness.runtime)
    for failure in failures:
        with requests.one():
            if failure is not None:
                raise failure
    return requests.over


def test_a_row_that_fails_ends_no_pass_but_a_bsg_out_of_reach_does(harness: WorkerHarness) -> None:
    unanswered, refused = ReadFailed("no response"), ReadFailed("HTTP 404", status=404)

    assert not over_after(harness, refused, refused, refused)
    assert not over_after(harness, unanswered, unanswered, None, unanswered, unanswered, refused, unanswered)
    assert over_after(harness, unanswered, unanswered, unanswered)


def test_a_campaign_that_bsg_no_longer_knows_leaves_the_others_their_poll(harness: WorkerHarness) -> None:
    lost = harness.prepared(1)
    harness.taken(lost, harness.posting(lost).batch.number, UNKNOWN)
    campaigns = [harness.submitted(1) for _ in range(3)]
    harness.sandbox.advance(60)
    harness.make_due(DueIndex.LIVE)

    outcome = poll(harness.runtime)

    assert [harness.status(campaign).state for campaign in campaigns] == ["done"] * 3
    assert harness.status(lost).state == "submitted"
    assert outcome == "read 3 of 4 batches: HTTP 404"


def test_a_stop_without_a_response_leaves_the_others_theirs(harness: WorkerHarness) -> None:
    lost = harness.prepared(1)
    harness.taken(lost, harness.posting(lost).batch.number, UNKNOWN)
    harness.sandbox.configure(creation_seconds=60, stop_in_creation=True)
    campaigns = [harness.submitted(1) for _ in range(3)]
    for campaign in (lost, *campaigns):
        harness.producer.cancel(campaign)

    outcome = stop_at_bsg(harness.runtime)

    stopped = [campaign["status"] for campaign in harness.sandbox.record().campaigns]
    assert stopped == ["stopped"] * 3
    assert outcome == "3 of 4 stops are over: HTTP 404"


def test_a_doubt_that_cannot_be_read_leaves_the_others_their_look(harness: WorkerHarness) -> None:
    harness.sandbox.fault("cut_after")
    campaigns = [harness.submitted(1) for _ in range(4)]
    harness.sandbox.fault("server_error_before", path="/api/campaigns/1000001/detail", method="GET")
    harness.make_due(DueIndex.DOUBT)

    reconcile(harness.runtime)

    states = [harness.status(campaign).batches[0].state for campaign in campaigns]
    assert states == ["unconfirmed", "submitted", "submitted", "submitted"]


def test_a_low_limit_of_status_requests_leaves_enough_for_a_whole_look(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_STATUS_RATE_LIMIT="27/m")
        sandbox.fault("cut_after")
        campaign = harness.submitted(1)
        harness.make_due(DueIndex.DOUBT)

        reconcile(harness.runtime)

        assert harness.batch(campaign).state == "submitted"


def test_a_read_that_is_throttled_or_finds_the_account_closed_applies_backpressure(
    harness: WorkerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    campaign = harness.submitted(1)
    faults: list[tuple[str, dict[str, Any]]] = [("throttle", {"retry_after": 60}), ("http_200_error", {"code": 2})]
    for fault, options in faults:
        harness.sandbox.fault(fault, **options, method="GET", path="/api/campaigns/1000001/detail", times=1)
        harness.make_due(DueIndex.LIVE)
        poll(harness.runtime)
        cooling = harness.runtime.status_limiter.state().cooling_for
        harness.runtime.redis.delete(f"bsg:account:{harness.runtime.account.id}:cool-down")
        if fault == "throttle":
            assert 0 < cooling <= 60
            assert harness.producer.gate().open

    assert harness.producer.gate().reason == GateReason.BLOCKED
    assert [record.getMessage()[:55] for record in caplog.records if record.levelname == "WARNING"] == [
        "The gate of the account default is shut by a read: BSG h"[:55]
    ]
    assert harness.status(campaign).state == "submitted"
