"""What is rung for, ended, and sent again, of a campaign as a whole."""

from __future__ import annotations

import json

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.batches import BatchLease, NotClaimed
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.parts import NothingDue
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, LEASE_MS, LedgerHarness


def bells(ledger_harness: LedgerHarness, campaign: str, name: str = "bell") -> list[str]:
    return list(ledger_harness.ledger.campaigns.ring(campaign, bell=name, timeout_ms=HOUR_MS).names)


def claim(ledger_harness: LedgerHarness, campaign: str, bell: str = "") -> BatchLease | NothingDue | NotClaimed:
    return ledger_harness.ledger.batches.claim(
        campaign, bell=bell, account=ACCOUNT, account_name=DEFAULT_ACCOUNT, token="token", lease_ms=LEASE_MS
    )


# Bells


def test_no_more_bells_ring_than_batches_are_due(ledger_harness: LedgerHarness) -> None:
    assert len(bells(ledger_harness, ledger_harness.prepared(1, 1, window=8))) == 2


def test_a_bell_that_is_answered_lets_another_ring(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1, 1, 1, window=2)
    first, _ = bells(ledger_harness, campaign, "a")
    lease = claim(ledger_harness, campaign, first)
    assert isinstance(lease, BatchLease)
    ledger_harness.intend(lease)
    ledger_harness.taken(campaign, lease.batch, 1)

    assert len(bells(ledger_harness, campaign, "b")) == 1


def test_no_bell_rings_for_a_paused_campaign_or_behind_a_shut_gate(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1, 1, 1)
    ledger_harness.submitted(campaign)  # so that it has an account
    ledger_harness.ledger.campaigns.pause(campaign)
    paused = bells(ledger_harness, campaign)
    ledger_harness.ledger.campaigns.resume(campaign)
    ledger_harness.ledger.gate(ACCOUNT).shut(reason="operator", by="test")
    behind_the_gate = bells(ledger_harness, campaign)
    ledger_harness.ledger.gate(ACCOUNT).open(reason="", by="test")

    assert (paused, behind_the_gate) == ([], [])
    assert len(bells(ledger_harness, campaign)) == 2


def test_a_claim_keeps_to_the_campaigns_window(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1, 1, window=1)
    ledger_harness.claimed(campaign)

    assert claim(ledger_harness, campaign) == NotClaimed("full")


def test_what_one_takes_of_an_index_is_put_off_for_the_others(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    ledger_harness.claimed(campaign)
    ledger_harness.ledger.batches.release(claim_of(campaign), delay_ms=0, cause="test")

    first = ledger_harness.ledger.due_indexes.take_due(DueIndex.DUE, account=ACCOUNT, at_most=9, put_off_ms=HOUR_MS)
    second = ledger_harness.ledger.due_indexes.take_due(DueIndex.DUE, account=ACCOUNT, at_most=9, put_off_ms=HOUR_MS)

    assert (first, second) == ([campaign], [])


def claim_of(campaign: str) -> BatchLease:
    return BatchLease(campaign, 0, "token", "", 1, 0, b"")


# Deadlines


def test_nothing_expires_before_its_deadline(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)

    assert not ledger_harness.ledger.campaigns.expire(campaign)
    assert ledger_harness.counts(campaign) == {"pending": 2}


def test_a_claim_after_the_deadline_ends_the_batch_unsent(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.pass_deadline(campaign)

    assert claim(ledger_harness, campaign) == NothingDue(None)
    assert ledger_harness.counts(campaign) == {"expired": 2}


def test_a_deadline_stops_nothing_that_bsg_has(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2, 2)
    ledger_harness.submitted(campaign)
    ledger_harness.pass_deadline(campaign)

    ledger_harness.ledger.campaigns.expire(campaign)

    assert ledger_harness.ledger.due_indexes.take_due(DueIndex.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0) == []
    assert ledger_harness.counts(campaign) == {"submitted": 2, "expired": 2}


# What operators do


def test_a_cancelled_campaign_says_so_to_whoever_comes_for_it(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.campaigns.cancel(campaign)

    assert claim(ledger_harness, campaign) == NotClaimed("cancelled")


def test_a_batch_of_which_nothing_is_left_is_not_retried(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    ledger_harness.ledger.batches.rows_refused(
        ledger_harness.posting(campaign), cause="rows", rest=b"", rest_rows=[], rejects=[(0, json.dumps({"index": 0}))]
    )

    assert ledger_harness.ledger.campaigns.retry(campaign, deadline_ms=None) == ("retried", 0)
    assert claim(ledger_harness, campaign) == NothingDue(None)


def test_a_batch_whose_body_was_forgotten_is_not_retried(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.batches.refused(ledger_harness.posting(campaign), cause="422")
    ledger_harness.ledger.campaigns.forget_bodies(campaign)

    assert ledger_harness.ledger.campaigns.retry(campaign, deadline_ms=None) == ("forgotten", 0)


def test_a_campaign_that_nobody_knows_is_told_as_gone(ledger_harness: LedgerHarness) -> None:
    campaigns = ledger_harness.ledger.campaigns

    assert campaigns.pause("nobody-knows-it") is False
    assert campaigns.cancel("nobody-knows-it") is None
    assert campaigns.retry("nobody-knows-it", deadline_ms=None) == ("gone", 0)
    assert claim(ledger_harness, "nobody-knows-it") == NotClaimed("gone")
    assert list(ledger_harness.client.scan_iter("*nobody-knows-it*")) == []


# Whose it is


def test_an_id_that_another_account_brings_leaves_the_campaign_with_its_own(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2, 2)
    ledger_harness.claimed(campaign)

    ledger_harness.ledger.batches.taken(
        campaign, 1, account="other", bsg_campaign_id=7, bsg_status="", next_poll_ms=0, cause="found"
    )

    (record,) = ledger_harness.ledger.reading.batch_records([f"{campaign}-1"])
    assert record.account == ACCOUNT
    assert ledger_harness.client.zrange(f"bsg:account:{ACCOUNT}:live", 0, -1) == [f"{campaign}-1".encode()]


def test_a_batch_that_is_put_in_doubt_leaves_its_campaign_with_its_own_account(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    ledger_harness.ledger.batches.release(ledger_harness.claimed(campaign), delay_ms=0, cause="rate limit")

    state = ledger_harness.ledger.batches.mark_in_doubt(
        campaign, 0, attempts=0, account="another", cause="a trace at BSG"
    )

    assert state == "unconfirmed"
    assert ledger_harness.client.hget(f"bsg:campaign:{campaign}", "account") == ACCOUNT.encode()
