"""Campaigns in a list: in pages, with what is known of them, and bounded however large they are."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger import listing
from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import Due, DueIndex, unassigned
from tests.ledger.campaigns import ACCOUNT, LedgerHarness


def polled(ledger_harness: LedgerHarness, campaign: str, batch: int, statistics: str, *, price: str = "") -> None:
    ledger_harness.ledger.batches.polled(
        BatchId.of(campaign, batch), status="sending", final=False, statistics=statistics, price=price,
        currency="EUR" if price else "", total_messages=None, next_poll_ms=1000,
    )  # fmt: skip


def test_the_newest_come_first_a_page_at_a_time(ledger_harness: LedgerHarness) -> None:
    campaigns = [ledger_harness.accepted(1) for _ in range(5)]
    for moment, campaign in enumerate(campaigns):
        ledger_harness.client.zadd("bsg:campaigns", {campaign: moment})

    listing = ledger_harness.ledger.listing
    assert listing.campaign_ids(10) == campaigns[::-1]
    assert listing.campaign_ids(2) == campaigns[:2:-1]
    assert [one.summary.campaign_id for one in listing.campaigns(campaigns[:2:-1])] == campaigns[:2:-1]


def test_the_campaigns_of_streams_are_apart(ledger_harness: LedgerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "NAMES_AT_ONCE", 2)
    campaigns = [ledger_harness.accepted(1) for _ in range(5)]
    for moment, campaign in enumerate(campaigns):
        ledger_harness.client.zadd("bsg:campaigns", {campaign: moment})
    ledger_harness.client.zadd("bsg:streams", {"codes": 3})
    ledger_harness.client.zadd("bsg:stream:codes:campaigns", {campaigns[1]: 1, campaigns[3]: 3})

    assert ledger_harness.ledger.listing.campaign_ids(10) == [campaigns[4], campaigns[2], campaigns[0]]
    assert ledger_harness.ledger.listing.campaign_ids(2) == [campaigns[4], campaigns[2]]
    assert ledger_harness.ledger.listing.campaign_ids(10, of_streams=True) == campaigns[::-1]


def test_a_head_has_what_campaigns_are_sorted_by(ledger_harness: LedgerHarness) -> None:
    sent, waiting = ledger_harness.prepared(10, 10), ledger_harness.accepted(3)
    for number in range(2):
        ledger_harness.submitted(sent, bsg_id=number + 1)
        polled(ledger_harness, sent, number, "{}", price="0.10")

    heads = ledger_harness.ledger.listing.heads([sent, "unknown", waiting])

    assert list(heads) == [sent, waiting]
    assert (heads[sent].cost, heads[waiting].cost) == (Decimal("0.2"), Decimal(0))
    assert ledger_harness.ledger.listing.open_ids() == {sent, waiting}


def test_a_cost_has_its_currency_however_large_the_campaign_is(
    ledger_harness: LedgerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LOOK_AHEAD", 1)
    large, unpriced = ledger_harness.prepared(10, 10), ledger_harness.prepared(10)
    ledger_harness.submitted(large, bsg_id=1)
    polled(ledger_harness, large, 0, '{"delivered": 7}', price="0.10")

    listed = ledger_harness.ledger.listing.campaigns([large, unpriced])

    assert [(one.cost, one.reported) for one in listed] == [("0.1 EUR", None), (None, None)]


def test_what_was_delivered_is_the_sum_of_what_bsg_reported(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(10, 10, 10)
    for number in range(2):
        ledger_harness.submitted(campaign, bsg_id=number + 1)
        assert ledger_harness.ledger.listing.campaigns([campaign])[0].delivered == (None, 7)[number]
        polled(ledger_harness, campaign, number, '{"delivered": 7, "sent": 9}')

    assert ledger_harness.ledger.listing.campaigns([campaign])[0].delivered == 14


def test_a_list_does_not_look_into_the_batches_of_a_large_campaign(
    ledger_harness: LedgerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LOOK_AHEAD", 2)
    small, large = ledger_harness.prepared(1, 1), ledger_harness.prepared(1, 1, 1)
    for campaign in (small, large):
        ledger_harness.submitted(campaign, bsg_id=len(campaign) + (campaign == large))
        polled(ledger_harness, campaign, 0, '{"delivered": 1}')

    listed = ledger_harness.ledger.listing.campaigns([small, large])

    assert [one.delivered for one in listed] == [1, None]
    assert [one.batches for one in listed] == [2, 3]


def test_outlines_come_in_order_across_what_is_read_at_once(
    ledger_harness: LedgerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "BATCHES_AT_ONCE", 2)
    campaign = ledger_harness.prepared(1, 2, 3, 4, 5)

    outlines = ledger_harness.ledger.listing.outlines(campaign, range(1, 9))

    assert [(outline.id.number, outline.size) for outline in outlines] == [(1, 2), (2, 3), (3, 4), (4, 5)]


def test_the_oldest_due_is_the_earliest_of_all_these_accounts(ledger_harness: LedgerHarness) -> None:
    first, second = ledger_harness.prepared(1), ledger_harness.prepared(1)
    unclaimed = unassigned(DEFAULT_ACCOUNT)
    ledger_harness.client.zadd(f"bsg:account:{unclaimed}:due", {first: 2000, second: 1000})

    assert ledger_harness.ledger.due_indexes.oldest_due([(DueIndex.DUE, unclaimed), (DueIndex.DUE, ACCOUNT)]) == Due(
        second, 1000
    )
    assert ledger_harness.ledger.due_indexes.oldest_due([(DueIndex.DUE, ACCOUNT)]) is None


def test_the_latest_transitions_come_first_and_are_counted(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    ledger_harness.submitted(campaign)

    latest, total = ledger_harness.ledger.reading.latest_transitions(campaign, 2)

    everything = list(ledger_harness.ledger.reading.transitions(campaign))
    assert latest == everything[:-3:-1]
    assert total == len(everything) > 2
