"""What is rung for, ended, and sent again, of a campaign as a whole."""

from __future__ import annotations

import json

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.batches import BatchLease, NotClaimed
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.parts import NothingDue
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, LEASE_MS, Desk


def bells(desk: Desk, campaign: str, name: str = "bell") -> list[str]:
    return list(desk.ledger.campaigns.ring(campaign, bell=name, timeout_ms=HOUR_MS).names)


def claim(desk: Desk, campaign: str, bell: str = "") -> BatchLease | NothingDue | NotClaimed:
    return desk.ledger.batches.claim(
        campaign, bell=bell, account=ACCOUNT, account_name=DEFAULT_ACCOUNT, token="token", lease_ms=LEASE_MS
    )


# Bells


def test_no_more_bells_ring_than_batches_are_due(desk: Desk) -> None:
    assert len(bells(desk, desk.prepared(1, 1, window=8))) == 2


def test_a_bell_that_is_answered_makes_room_for_another(desk: Desk) -> None:
    campaign = desk.prepared(1, 1, 1, window=2)
    first, _ = bells(desk, campaign, "a")
    lease = claim(desk, campaign, first)
    assert isinstance(lease, BatchLease)
    desk.intend(lease)
    desk.taken(campaign, lease.batch, 1)

    assert len(bells(desk, campaign, "b")) == 1


def test_no_bell_rings_for_a_paused_campaign_or_behind_a_shut_gate(desk: Desk) -> None:
    campaign = desk.prepared(1, 1, 1)
    desk.submitted(campaign)  # so that it has an account
    desk.ledger.campaigns.pause(campaign)
    paused = bells(desk, campaign)
    desk.ledger.campaigns.resume(campaign)
    desk.ledger.gate(ACCOUNT).shut(reason="operator", by="test")
    behind_the_gate = bells(desk, campaign)
    desk.ledger.gate(ACCOUNT).open(reason="", by="test")

    assert (paused, behind_the_gate) == ([], [])
    assert len(bells(desk, campaign)) == 2


def test_a_claim_keeps_to_the_campaigns_window(desk: Desk) -> None:
    campaign = desk.prepared(1, 1, window=1)
    desk.claimed(campaign)

    assert claim(desk, campaign) == NotClaimed("full")


def test_what_one_takes_of_a_room_is_put_off_for_the_others(desk: Desk) -> None:
    campaign = desk.prepared(1)
    desk.claimed(campaign)
    desk.ledger.batches.release(claim_of(campaign), delay_ms=0, cause="test")

    first = desk.ledger.due_indexes.take_due(DueIndex.DUE, account=ACCOUNT, at_most=9, put_off_ms=HOUR_MS)
    second = desk.ledger.due_indexes.take_due(DueIndex.DUE, account=ACCOUNT, at_most=9, put_off_ms=HOUR_MS)

    assert (first, second) == ([campaign], [])


def claim_of(campaign: str) -> BatchLease:
    return BatchLease(campaign, 0, "token", "", 1, 0, b"")


# Deadlines


def test_nothing_expires_before_its_deadline(desk: Desk) -> None:
    campaign = desk.prepared(2)

    assert not desk.ledger.campaigns.expire(campaign)
    assert desk.counts(campaign) == {"pending": 2}


def test_a_claim_after_the_deadline_ends_the_batch_unsent(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.pass_deadline(campaign)

    assert claim(desk, campaign) == NothingDue(None)
    assert desk.counts(campaign) == {"expired": 2}


def test_a_deadline_stops_nothing_that_bsg_has(desk: Desk) -> None:
    campaign = desk.prepared(2, 2)
    desk.submitted(campaign)
    desk.pass_deadline(campaign)

    desk.ledger.campaigns.expire(campaign)

    assert desk.ledger.due_indexes.take_due(DueIndex.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0) == []
    assert desk.counts(campaign) == {"submitted": 2, "expired": 2}


# What operators do


def test_a_cancelled_campaign_says_so_to_whoever_comes_for_it(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.ledger.campaigns.cancel(campaign)

    assert claim(desk, campaign) == NotClaimed("cancelled")


def test_a_batch_of_which_nothing_is_left_is_not_retried(desk: Desk) -> None:
    campaign = desk.prepared(1)
    desk.ledger.batches.rows_refused(
        desk.posting(campaign), cause="rows", rest=b"", rest_rows=[], rejects=[(0, json.dumps({"index": 0}))]
    )

    assert desk.ledger.campaigns.retry(campaign, deadline_ms=None) == ("retried", 0)
    assert claim(desk, campaign) == NothingDue(None)


def test_a_batch_whose_body_was_forgotten_is_not_retried(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.ledger.batches.refused(desk.posting(campaign), cause="422")
    desk.ledger.campaigns.forget_bodies(campaign)

    assert desk.ledger.campaigns.retry(campaign, deadline_ms=None) == ("forgotten", 0)


def test_a_campaign_that_nobody_knows_is_told_as_gone(desk: Desk) -> None:
    campaigns = desk.ledger.campaigns

    assert campaigns.pause("nobody-knows-it") is False
    assert campaigns.cancel("nobody-knows-it") is None
    assert campaigns.retry("nobody-knows-it", deadline_ms=None) == ("gone", 0)
    assert claim(desk, "nobody-knows-it") == NotClaimed("gone")
    assert list(desk.client.scan_iter("*nobody-knows-it*")) == []


# Whose it is


def test_an_id_that_another_account_brings_leaves_the_campaign_with_its_own(desk: Desk) -> None:
    campaign = desk.prepared(2, 2)
    desk.claimed(campaign)

    desk.ledger.batches.taken(
        campaign, 1, account="other", bsg_campaign_id=7, bsg_status="", next_poll_ms=0, cause="found"
    )

    (record,) = desk.ledger.reading.batch_records([f"{campaign}-1"])
    assert record.account == ACCOUNT
    assert desk.client.zrange(f"bsg:account:{ACCOUNT}:live", 0, -1) == [f"{campaign}-1".encode()]


def test_a_batch_that_is_put_in_doubt_leaves_its_campaign_with_its_own_account(desk: Desk) -> None:
    campaign = desk.prepared(1)
    desk.ledger.batches.release(desk.claimed(campaign), delay_ms=0, cause="rate limit")

    state = desk.ledger.batches.mark_in_doubt(campaign, 0, attempts=0, account="another", cause="a trace at BSG")

    assert state == "unconfirmed"
    assert desk.client.hget(f"bsg:campaign:{campaign}", "account") == ACCOUNT.encode()
