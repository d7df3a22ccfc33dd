"""What is ended, and sent again, of a campaign as a whole."""

from __future__ import annotations

import json

from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.work import Nothing
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, LedgerHarness


def test_what_one_takes_of_an_index_is_put_off_for_the_others(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.posting(ledger_harness.prepared(1))
    ledger_harness.end_lease(lease)
    ledger_harness.ledger.batches.take_back(ACCOUNT)

    first = ledger_harness.ledger.due_indexes.take_due(DueIndex.DOUBT, account=ACCOUNT, at_most=9, put_off_ms=HOUR_MS)
    second = ledger_harness.ledger.due_indexes.take_due(DueIndex.DOUBT, account=ACCOUNT, at_most=9, put_off_ms=HOUR_MS)

    assert (first, second) == ([lease.batch], [])


# Deadlines


def test_nothing_expires_before_its_deadline(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)

    assert not ledger_harness.ledger.campaigns.expire(campaign)
    assert ledger_harness.counts(campaign) == {"pending": 2}


def test_nothing_leaves_after_the_deadline(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.pass_deadline(campaign)

    assert ledger_harness.next() == Nothing()
    assert ledger_harness.ledger.campaigns.expire(campaign)
    assert ledger_harness.counts(campaign) == {"expired": 2}


def test_a_deadline_stops_nothing_that_bsg_has(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2, 2)
    ledger_harness.submitted(campaign)
    ledger_harness.pass_deadline(campaign)

    ledger_harness.ledger.campaigns.expire(campaign)

    assert ledger_harness.ledger.due_indexes.take_due(DueIndex.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0) == []
    assert ledger_harness.counts(campaign) == {"submitted": 2, "expired": 2}


# What operators do


def test_nothing_leaves_of_a_cancelled_campaign(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.campaigns.cancel(campaign)

    assert ledger_harness.next() == Nothing()


def test_a_batch_of_which_nothing_is_left_is_not_retried(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    ledger_harness.ledger.batches.rows_refused(
        ledger_harness.posting(campaign), cause="rows", rest=b"", rest_rows=[], rejects=[(0, json.dumps({"index": 0}))]
    )

    assert ledger_harness.ledger.campaigns.retry(campaign, deadline_ms=None) == ("retried", 0)
    assert ledger_harness.next() == Nothing()


def test_a_batch_whose_body_was_forgotten_is_not_retried(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.batches.refused(ledger_harness.posting(campaign), cause="422")
    ledger_harness.ledger.campaigns.forget_bodies(campaign)

    assert ledger_harness.ledger.campaigns.retry(campaign, deadline_ms=None) == ("forgotten", 0)


def test_a_campaign_that_nobody_knows_is_reported_as_gone(ledger_harness: LedgerHarness) -> None:
    campaigns = ledger_harness.ledger.campaigns

    assert campaigns.pause("nobody-knows-it") is False
    assert campaigns.resume("nobody-knows-it") is False
    assert campaigns.cancel("nobody-knows-it") is None
    assert campaigns.retry("nobody-knows-it", deadline_ms=None) == ("gone", 0)
    assert list(ledger_harness.client.scan_iter("*nobody-knows-it*")) == []


# Whose it is


def test_an_id_that_another_account_brings_leaves_the_campaign_with_its_own(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2, 2)
    ledger_harness.posting(campaign)

    ledger_harness.ledger.batches.taken(
        BatchId.of(campaign, 1), account="other", bsg_campaign_id=7, bsg_status="", next_poll_ms=0, cause="found"
    )

    (record,) = ledger_harness.ledger.reading.batch_records([BatchId.of(campaign, 1)])
    assert record.account == ACCOUNT
    assert ledger_harness.client.zrange(f"bsg:account:{ACCOUNT}:live", 0, -1) == [f"{campaign}-1".encode()]


def test_a_batch_that_is_put_in_doubt_leaves_its_campaign_with_its_own_account(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    ledger_harness.withdraw(ledger_harness.posting(campaign))

    state = ledger_harness.ledger.batches.mark_in_doubt(
        BatchId.of(campaign, 0), attempts=1, account="another", cause="a trace at BSG"
    )

    assert state == "unconfirmed"
    assert ledger_harness.client.hget(f"bsg:campaign:{campaign}", "account") == ACCOUNT.encode()
