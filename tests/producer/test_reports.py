"""What BSG reports of each message, by its index in what was enqueued."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import pytest

from bsg_cli.main import main
from bsg_producer import AsyncProducer, CampaignNotFound, ReportUnavailable, reports
from bsg_producer.reporting import MessageReport
from bsg_sandbox.server import Sandbox
from tests.scenarios.environment import messages
from tests.worker.harness import WorkerHarness

FIRST = 380_660_000_000


@pytest.fixture
def harness(redis_url: str, sandbox: Sandbox) -> WorkerHarness:
    return WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="2")


@pytest.fixture
def sandbox() -> Any:
    with Sandbox() as sandbox:
        yield sandbox


def report(harness: WorkerHarness, campaign: str) -> list[MessageReport]:
    return list(harness.producer.report(campaign))


def test_each_message_is_reported_by_its_index_with_its_phone_and_price(harness: WorkerHarness) -> None:
    campaign = harness.submitted(3)

    rows = report(harness, campaign)

    assert sorted((row.index, row.phone) for row in rows) == [(number, str(FIRST + number)) for number in range(3)]
    assert all(row.reference_id.startswith(campaign) for row in rows)
    assert all(row.status and row.price and row.currency for row in rows)


def test_messages_with_ids_of_their_own_have_their_indexes_too(harness: WorkerHarness) -> None:
    rows = [{**message, "reference_id": f"order{index}"} for index, message in enumerate(messages(3))]
    campaign = harness.producer.enqueue(rows, sender="MyShop").campaign_id
    harness.prepare_and_submit(campaign)

    found = report(harness, campaign)
    assert sorted((row.index, row.reference_id) for row in found) == [(0, "order0"), (1, "order1"), (2, "order2")]

    for key in harness.runtime.redis.keys("bsg:campaign:*:batch:*:messages"):
        harness.runtime.redis.delete(key)
    assert {row.index for row in report(harness, campaign)} == {None}


def test_what_is_not_at_bsg_is_not_in_the_report(harness: WorkerHarness) -> None:
    assert report(harness, harness.prepared(3)) == []


def test_more_than_a_page_is_read_whole(redis_url: str, sandbox: Sandbox) -> None:
    harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1200")
    campaign = harness.submitted(1_200)

    assert {row.index for row in report(harness, campaign)} == set(range(1_200))


class LargeReport:
    """A report of one batch that is large enough for a statistics job, and what it asked BSG."""

    SIZE = 5

    def __init__(self, harness: WorkerHarness) -> None:
        self.harness = harness
        self.campaign = harness.submitted(self.SIZE)

    def read(self) -> list[MessageReport]:
        self._before = len(self.harness.sandbox.requests())
        return report(self.harness, self.campaign)

    def asked(self, method: str, path: str) -> int:
        requests = self.harness.sandbox.requests()[self._before :]
        return sum(request.method == method and request.path.startswith(path) for request in requests)


@pytest.fixture
def large(redis_url: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> LargeReport:
    monkeypatch.setattr(reports, "MIN_MESSAGES", LargeReport.SIZE)
    return LargeReport(WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE=str(LargeReport.SIZE)))


def test_a_large_batch_is_read_by_one_statistics_job(large: LargeReport) -> None:
    by_pages = {row.index: row for row in bulk_free(large)}

    rows = large.read()

    assert {row.index: row for row in rows} == by_pages
    assert len(rows) == large.SIZE
    assert (large.asked("POST", "/api/stat/jobs"), large.asked("GET", "/api/messages")) == (1, 0)
    assert large.asked("DELETE", "/api/stat/jobs/") == 1


def bulk_free(large: LargeReport) -> list[MessageReport]:
    """The report by pages alone, once every message has its last status."""
    large.harness.sandbox.advance(3600)
    large.harness.sandbox.put_account("live_sandbox", statistics_jobs=False)
    rows = large.read()
    large.harness.sandbox.put_account("live_sandbox", statistics_jobs=True)
    return rows


def test_where_the_account_has_no_jobs_pages_are_read(large: LargeReport) -> None:
    large.harness.sandbox.put_account("live_sandbox", statistics_jobs=False)

    assert {row.index for row in large.read()} == set(range(large.SIZE))
    assert large.asked("GET", "/api/messages") == 1


def test_where_the_account_has_no_job_left_pages_are_read(large: LargeReport) -> None:
    large.harness.sandbox.configure(stat_jobs_at_most=0)

    assert {row.index for row in large.read()} == set(range(large.SIZE))


def test_a_job_that_does_not_match_the_batch_exactly_is_not_believed(large: LargeReport) -> None:
    again = large.harness.submitted(1)  # to the first phone of the batch, within the same hour

    rows = large.read()

    assert {row.index for row in rows} == set(range(large.SIZE))
    assert all(row.reference_id.startswith(large.campaign) for row in rows)
    assert again != large.campaign
    assert large.asked("GET", "/api/messages") == 1


def test_a_small_batch_needs_no_job(harness: WorkerHarness) -> None:
    small = LargeReport(harness)

    assert {row.index for row in small.read()} == set(range(small.SIZE))
    assert small.asked("POST", "/api/stat/jobs") == 0


def test_without_the_messages_pages_are_read(large: LargeReport) -> None:
    for key in large.harness.runtime.redis.keys("bsg:campaign:*:batch:*:messages"):
        large.harness.runtime.redis.delete(key)

    assert {row.index for row in large.read()} == set(range(large.SIZE))
    assert large.asked("POST", "/api/stat/jobs") == 0


def test_rows_of_other_campaigns_are_left_out_where_bsg_ignores_the_filter(harness: WorkerHarness) -> None:
    harness.submitted(2)
    campaign = harness.submitted(2)
    harness.sandbox.fault("ignored_filters", path="/api/messages")

    rows = report(harness, campaign)

    assert sorted(row.index for row in rows if row.index is not None) == [0, 1]
    assert len(rows) == 2


def test_a_campaign_that_nobody_knows_and_one_of_another_account_are_reported(harness: WorkerHarness) -> None:
    with pytest.raises(CampaignNotFound):
        report(harness, "0000000000000000000000")
    campaign = harness.submitted(1)
    harness.runtime.redis.hset(f"bsg:campaign:{campaign}", "account", "another")

    with pytest.raises(ReportUnavailable, match="the account default, under a key or an address that is not set here"):
        report(harness, campaign)


def test_when_bsg_does_not_report_it_gives_the_reason(harness: WorkerHarness) -> None:
    campaign = harness.submitted(1)
    harness.sandbox.fault("server_error_before", method="GET", path="/api/messages")

    with pytest.raises(ReportUnavailable, match="BSG did not respond"):
        report(harness, campaign)


def test_the_asyncio_producer_reads_the_same(harness: WorkerHarness) -> None:
    campaign = harness.submitted(3)
    harness.sandbox.advance(3600)  # no status moves between the two

    async def read() -> list[MessageReport]:
        async with AsyncProducer(harness.settings) as producer:
            return [row async for row in producer.report(campaign)]

    assert asyncio.run(read()) == report(harness, campaign)


def test_the_command_writes_a_table_a_csv_file_and_json(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = harness.submitted(2)
    for name, value in harness.environment.items():
        monkeypatch.setenv(name, value)

    assert main(["report", campaign, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert sorted(row["phone"] for row in rows) == [str(FIRST), str(FIRST + 1)]
    assert main(["report", campaign]) == 0
    assert str(FIRST) in capsys.readouterr().out
    assert main(["report", campaign, "--json"]) == 0
    assert '"index": 0' in capsys.readouterr().out
    assert main(["report", campaign, "--json", "--csv"]) == 2
