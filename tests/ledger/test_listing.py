"""Campaigns in a list: in pages, with what is known of them, and bounded however large they are."""

from __future__ import annotations

import pytest

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger import listing
from bsg_ledger.due_indexes import Due, DueIndex, unassigned
from tests.ledger.campaigns import ACCOUNT, Desk


def told(desk: Desk, campaign: str, batch: int, statistics: str) -> None:
    desk.ledger.batches.polled(
        campaign, batch, status="sending", final=False, statistics=statistics, price="", currency="",
        total_messages=None, next_poll_ms=1000,
    )  # fmt: skip


def test_the_newest_come_first_a_page_at_a_time(desk: Desk) -> None:
    campaigns = [desk.accepted(1) for _ in range(5)]
    for moment, campaign in enumerate(campaigns):
        desk.client.zadd("bsg:campaigns", {campaign: moment})

    pages = [desk.ledger.listing.page(first, 2) for first in (0, 2, 4, 6)]

    assert desk.ledger.listing.length() == 5
    assert [[one.summary.campaign_id for one in page] for page in pages] == [
        campaigns[:2:-1], campaigns[2:0:-1], campaigns[:1], [],
    ]  # fmt: skip


def test_what_was_delivered_is_the_sum_of_what_bsg_told(desk: Desk) -> None:
    campaign = desk.prepared(10, 10, 10)
    for number in range(2):
        desk.submitted(campaign, bsg_id=number + 1)
        assert desk.ledger.listing.campaigns([campaign])[0].delivered == (None, 7)[number]
        told(desk, campaign, number, '{"delivered": 7, "sent": 9}')

    assert desk.ledger.listing.campaigns([campaign])[0].delivered == 14


def test_a_list_does_not_look_into_the_batches_of_a_large_campaign(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "LOOK_AHEAD", 2)
    small, large = desk.prepared(1, 1), desk.prepared(1, 1, 1)
    for campaign in (small, large):
        desk.submitted(campaign, bsg_id=len(campaign) + (campaign == large))
        told(desk, campaign, 0, '{"delivered": 1}')

    listed = desk.ledger.listing.campaigns([small, large])

    assert [one.delivered for one in listed] == [1, None]
    assert [one.batches for one in listed] == [2, 3]


def test_outlines_come_in_order_across_what_is_read_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "BATCHES_AT_ONCE", 2)
    campaign = desk.prepared(1, 2, 3, 4, 5)

    outlines = desk.ledger.listing.outlines(campaign, range(1, 9))

    assert [(outline.number, outline.size) for outline in outlines] == [(1, 2), (2, 3), (3, 4), (4, 5)]


def test_the_oldest_due_is_the_earliest_of_all_these_accounts(desk: Desk) -> None:
    first, second = desk.prepared(1), desk.prepared(1)
    unclaimed = unassigned(DEFAULT_ACCOUNT)
    desk.client.zadd(f"bsg:account:{unclaimed}:due", {first: 2000, second: 1000})

    assert desk.ledger.due_indexes.oldest_due([(DueIndex.DUE, unclaimed), (DueIndex.DUE, ACCOUNT)]) == Due(second, 1000)
    assert desk.ledger.due_indexes.oldest_due([(DueIndex.DUE, ACCOUNT)]) is None


def test_the_latest_transitions_come_first_and_are_counted(desk: Desk) -> None:
    campaign = desk.prepared(1)
    desk.submitted(campaign)

    latest, total = desk.ledger.reading.latest_transitions(campaign, 2)

    everything = list(desk.ledger.reading.transitions(campaign))
    assert latest == everything[:-3:-1]
    assert total == len(everything) > 2
