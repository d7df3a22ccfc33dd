"""BSG's list of campaigns is read from the newest one back to the oldest that is wanted."""

from __future__ import annotations

import pytest

from bsg_sandbox.server import Sandbox
from bsg_worker.poll.listed import listed_campaigns, newest_campaigns, read_back
from bsg_worker.row_requests import RowRequests
from tests.worker.harness import WorkerHarness

PAGE = 30  # BSG's minimum


@pytest.mark.parametrize(
    ("wanted", "pages"),
    [
        pytest.param(range(60, 70), 1, id="the newest"),
        pytest.param(range(30, 70), 2, id="those of two pages"),
        pytest.param(range(70), 3, id="all"),
        pytest.param([65, 1000], 1, id="one that BSG does not have yet"),
    ],
)
def test_the_list_is_read_no_further_back_than_to_the_oldest_wanted_campaign(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, wanted: range | list[int], pages: int
) -> None:
    monkeypatch.setattr("bsg_client.lists._PAGE", PAGE)
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        harness.submitted(70)
        ids = sorted(campaign["id"] for campaign in sandbox.record().campaigns)
        before = len(sandbox.requests())

        listed = listed_campaigns(harness.runtime, RowRequests(harness.runtime), {ids[0] + number for number in wanted})

        assert sorted(listed) == [ids[0] + number for number in wanted if number < 70]
        assert len(sandbox.requests()) - before == pages


def test_the_list_is_read_while_that_is_cheaper_than_single_requests(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bsg_client.lists._PAGE", PAGE)
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1", WORKER_IN_FLIGHT="1")
        harness.submitted(100)
        ids = sorted(campaign["id"] for campaign in sandbox.record().campaigns)
        before = len(sandbox.requests())

        listed = listed_campaigns(harness.runtime, RowRequests(harness.runtime), {ids[0], ids[45]}, instead_of=2)

        assert list(listed) == [ids[45]]
        assert len(sandbox.requests()) - before == 2


def test_the_list_is_read_for_as_long_as_it_may_take(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsg_client.lists._PAGE", PAGE)
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        harness.submitted(PAGE + 1)
        sandbox.fault("latency", seconds=0.2, method="GET", path="/api/campaigns")
        newest = newest_campaigns(harness.runtime)

        listed = list(read_back(newest, RowRequests(harness.runtime), 0, at_most=0.1))

        assert len(listed) == PAGE
