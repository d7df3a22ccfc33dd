"""What is looked for in one pass is read once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import CampaignDetail, CampaignResponse, MessageRow
from bsg_worker.reconcile.lookup import ZONE_MARGIN
from bsg_worker.reconcile.read_once import ReadOnce
from bsg_worker.reconcile.spans import LISTED_AT_ONCE, listed_between

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


class Reads:
    """BSG with one campaign of one message; notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def campaign(self, bsg_id: int) -> CampaignDetail:
        self.asked.append(bsg_id)
        return CampaignDetail(bsg_id, "done", None, None, {}, None, None, 1, None, None)

    def campaigns(self, since: datetime, until: datetime) -> Iterator[CampaignResponse]:
        self.asked.append((since, until))
        yield CampaignResponse(7, "done", None, None, {}, None, None)

    def messages(self, campaign_id: int | None = None, reference_id: str | None = None) -> Iterator[MessageRow]:
        self.asked.append((campaign_id, reference_id))
        yield MessageRow(1, 7, f"of {campaign_id}, {reference_id}", "", None, None, None, None, None)


def test_lists_and_campaigns_are_read_once_and_each_reference_id_is_asked_for() -> None:
    reads = Reads()
    once = ReadOnce(reads, SINCE, SINCE)
    for _ in range(2):
        assert [response.id for response in once.campaigns(SINCE, SINCE)] == [7]
        assert once.campaign(7).id == 7
        assert [row.reference_id for row in once.messages(campaign_id=7)] == ["of 7, None"]
        assert [row.reference_id for row in once.messages(reference_id="a")] == ["of None, a"]
        assert [row.reference_id for row in once.messages(campaign_id=7, reference_id="a")] == ["of 7, a"]

    assert reads.asked.count(7) == reads.asked.count((7, None)) == 1
    assert reads.asked.count((None, "a")) == reads.asked.count((7, "a")) == 2
    assert len(reads.asked) == 7


def test_threads_that_ask_at_once_have_it_read_once() -> None:
    class Slow(Reads):
        def campaign(self, bsg_id: int) -> CampaignDetail:
            time.sleep(0.05)
            return super().campaign(bsg_id)

    reads = Slow()
    once = ReadOnce(reads, SINCE, SINCE)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(once.campaign, [7, 7, 7, 7]))

    assert [campaign.id for campaign in found] == [7] * 4
    assert reads.asked == [7]


def test_what_could_not_be_read_is_asked_for_again() -> None:
    class Failing(Reads):
        def campaign(self, bsg_id: int) -> CampaignDetail:
            if not self.asked:
                self.asked.append("failed")
                raise ReadFailed("no response")
            return super().campaign(bsg_id)

    once = ReadOnce(Failing(), SINCE, SINCE)
    with pytest.raises(ReadFailed):
        once.campaign(7)

    assert once.campaign(7).id == 7


def test_a_long_time_is_read_in_spans_that_bsg_lists_and_each_campaign_is_returned_once() -> None:
    reads = Reads()
    until = SINCE + timedelta(days=100)

    assert [response.id for response in ReadOnce(reads, SINCE, until).campaigns(SINCE, SINCE)] == [7]
    assert reads.asked[0][0] == SINCE - ZONE_MARGIN
    assert reads.asked[-1][1] == until + ZONE_MARGIN
    assert all(end - begin <= LISTED_AT_ONCE for begin, end in reads.asked)
    assert [end for _, end in reads.asked[:-1]] == [begin for begin, _ in reads.asked[1:]]
    assert [response.id for response in listed_between(reads, SINCE, until)] == [7]
