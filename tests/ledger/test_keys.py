"""What moves from the account of one key to that of another, and what stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger import keys
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.gate import GateReason
from bsg_ledger.keys import IN_USE_MS, Rekeyed, Rekeying
from tests.ledger.campaigns import ACCOUNT, Desk

NEW = "account-of-the-new-key"
ADDRESS = "https://one-api.bsg.world:443"


def rekeyed(desk: Desk, campaign: str, **changes: str) -> Rekeying:
    values = {
        "old": ACCOUNT,
        "account": NEW,
        "name": DEFAULT_ACCOUNT,
        "address": ADDRESS,
        "bsg_account": "",
        "by": "operator",
    }
    return desk.ledger.keys.rekey(campaign, **{**values, **changes})


def noted(
    desk: Desk, *, bsg_account: str = "", address: str = ADDRESS, seconds_ago: float = IN_USE_MS / 1000 + 1
) -> None:
    """A process had the old key so long ago."""
    desk.ledger.keys.note(ACCOUNT, name=DEFAULT_ACCOUNT, address=address, bsg_account=bsg_account)
    desk.client.zincrby("bsg:keys", -seconds_ago * 1000, ACCOUNT)


def due_indexes_of(desk: Desk, account: str) -> dict[str, list[bytes]]:
    """What waits in each place of an account."""
    places = {
        key.decode().removeprefix(f"bsg:account:{account}:"): key
        for key in desk.client.keys(f"bsg:account:{account}:*")
    }
    return {place: desk.client.zrange(key, 0, -1) for place, key in places.items() if desk.client.type(key) == b"zset"}


def is_claimed_for(desk: Desk, campaign: str, account: str) -> bool:
    return desk.claimed(campaign, account=account, token="new").campaign_id == campaign


def a_claim_given_back(desk: Desk) -> str:
    campaign = desk.prepared(2)
    desk.ledger.batches.release(desk.claimed(campaign), delay_ms=0, cause="rate limit")
    return campaign


def a_claim_that_nobody_gave_back(desk: Desk) -> str:
    campaign = desk.prepared(2)
    desk.claimed(campaign)
    return campaign


def one_that_bsg_refused(desk: Desk) -> str:
    campaign = desk.prepared(2)
    desk.ledger.batches.refused(desk.posting(campaign), cause="refused")
    desk.ledger.campaigns.retry(campaign, deadline_ms=None)
    return campaign


def one_whose_key_was_refused(desk: Desk) -> str:
    campaign = desk.prepared(2)
    desk.ledger.batches.account_closed(
        desk.posting(campaign), account=ACCOUNT, reason="bad_key", cause="401", shuts_allowed=2
    )
    return campaign


@pytest.mark.parametrize(
    "begun", [a_claim_given_back, a_claim_that_nobody_gave_back, one_that_bsg_refused, one_whose_key_was_refused]
)
def test_what_the_old_key_never_had_anything_of_moves(desk: Desk, begun: Callable[[Desk], str]) -> None:
    campaign = begun(desk)

    assert rekeyed(desk, campaign).kind is Rekeyed.MOVED

    assert desk.ledger.due_indexes.members(DueIndex.DUE, account=ACCOUNT) == []
    assert desk.ledger.due_indexes.members(DueIndex.LEASES, account=ACCOUNT) == []
    assert desk.counts(campaign) == {"pending": 2}
    assert is_claimed_for(desk, campaign, NEW)


def test_moving_again_moves_nothing(desk: Desk) -> None:
    campaign = a_claim_given_back(desk)
    rekeyed(desk, campaign)

    assert rekeyed(desk, campaign).kind is Rekeyed.STALE
    assert is_claimed_for(desk, campaign, NEW)


def test_a_claim_of_the_old_key_sends_nothing_once_its_campaign_has_moved(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.claimed(campaign)

    rekeyed(desk, campaign)

    assert desk.intend(lease) == "stale"
    assert is_claimed_for(desk, campaign, NEW)


def on_the_wire(desk: Desk, campaign: str) -> None:
    desk.posting(campaign)


def in_doubt(desk: Desk, campaign: str) -> None:
    desk.unconfirmed(campaign)


def in_doubt_and_waiting(desk: Desk, campaign: str) -> None:
    lease = desk.unconfirmed(campaign)
    assert desk.absent(lease, window_ms=3_600_000) == "pending"


def submitted(desk: Desk, campaign: str) -> None:
    desk.submitted(campaign)


def held_at_bsg(desk: Desk, campaign: str) -> None:
    desk.polled(desk.submitted(campaign), "paused", final=False)


def finished(desk: Desk, campaign: str) -> None:
    desk.polled(desk.submitted(campaign), "done", final=True)


def late_id_taken_back(desk: Desk, campaign: str) -> None:
    """BSG named a campaign, denied it, and an operator said that it was never sent."""
    lease = desk.submitted(campaign)
    desk.client.hset(f"bsg:campaign:{campaign}:batch:{lease.batch}", "needs_operator", "lost")
    assert desk.ledger.batches.resolve_not_sent(campaign, lease.batch) == "pending"


BEGUN = [on_the_wire, in_doubt, in_doubt_and_waiting, submitted, held_at_bsg, finished, late_id_taken_back]


@pytest.mark.parametrize("begun", BEGUN)
def test_what_the_old_keys_account_has_or_may_have_does_not_move(
    desk: Desk, begun: Callable[[Desk, str], None]
) -> None:
    noted(desk, bsg_account="")
    campaign = desk.prepared(2, 2)
    begun(desk, campaign)
    before = desk.counts(campaign)

    assert rekeyed(desk, campaign) == Rekeying(Rekeyed.BEGUN, (f"{campaign}-0",))

    assert desk.counts(campaign) == before
    assert desk.ledger.reading.account_of(campaign)[0] == ACCOUNT


@pytest.mark.parametrize("begun", BEGUN)
@pytest.mark.parametrize("by", ["operator", "worker"])
def test_all_of_it_moves_where_both_keys_are_of_one_account_at_bsg(
    desk: Desk, begun: Callable[[Desk, str], None], by: str
) -> None:
    noted(desk, bsg_account="208")
    campaign = desk.prepared(2, 2)
    begun(desk, campaign)
    due_indexes = due_indexes_of(desk, ACCOUNT)
    owned = sorted(desk.ledger.reading.owned(ACCOUNT))

    assert rekeyed(desk, campaign, bsg_account="208", by=by).kind is Rekeyed.MOVED

    assert due_indexes
    assert due_indexes_of(desk, NEW) == due_indexes
    assert due_indexes_of(desk, ACCOUNT) == {}
    assert sorted(desk.ledger.reading.owned(NEW)) == owned
    assert list(desk.ledger.reading.owned(ACCOUNT)) == []


def test_a_question_to_an_operator_is_asked_for_the_new_key(desk: Desk) -> None:
    noted(desk, bsg_account="208")
    lease = desk.unconfirmed(desk.prepared(2))
    assert desk.absent(lease, window_ms=0) == "needs_operator"

    rekeyed(desk, lease.campaign_id, bsg_account="208")

    assert desk.client.zrange(f"bsg:account:{NEW}:needs-operator", 0, -1) == [lease.batch_id.encode()]
    assert desk.client.exists(f"bsg:account:{ACCOUNT}:needs-operator") == 0


@pytest.mark.parametrize(
    ("status", "index"),
    [("paused", "paused-at-bsg"), ("moderation", "in-moderation"), ("spam", "spam-at-bsg")],
)
def test_what_bsg_holds_is_told_for_the_new_key(desk: Desk, status: str, index: str) -> None:
    noted(desk, bsg_account="208")
    lease = desk.submitted(desk.prepared(2))
    desk.polled(lease, status, final=False)

    rekeyed(desk, lease.campaign_id, bsg_account="208")

    assert desk.client.zrange(f"bsg:account:{NEW}:{index}", 0, -1) == [lease.batch_id.encode()]
    assert desk.client.exists(f"bsg:account:{ACCOUNT}:{index}") == 0


def test_a_stop_goes_on_under_the_new_key(desk: Desk) -> None:
    noted(desk, bsg_account="208")
    campaign = desk.prepared(2)
    desk.submitted(campaign, 7)
    desk.ledger.campaigns.cancel(campaign)

    rekeyed(desk, campaign, bsg_account="208")

    assert desk.ledger.due_indexes.members(DueIndex.STOPS, account=NEW) == ["7"]
    assert desk.ledger.due_indexes.members(DueIndex.STOPS, account=ACCOUNT) == []


@pytest.mark.parametrize(("known", "claimed"), [("208", "209"), ("208", ""), ("", "208"), ("", "")])
def test_a_worker_moves_nothing_without_proof(desk: Desk, known: str, claimed: str) -> None:
    noted(desk, bsg_account=known)
    campaign = a_claim_given_back(desk)

    assert rekeyed(desk, campaign, bsg_account=claimed, by="worker").kind is Rekeyed.UNPROVED


@pytest.mark.parametrize("by", ["operator", "worker"])
def test_nothing_moves_while_a_process_has_the_old_key(desk: Desk, by: str) -> None:
    noted(desk, bsg_account="208", seconds_ago=IN_USE_MS / 1000 - 5)
    campaign = a_claim_given_back(desk)

    assert rekeyed(desk, campaign, bsg_account="208", by=by).kind is Rekeyed.IN_USE


def test_what_was_begun_for_another_address_stays_there(desk: Desk) -> None:
    noted(desk, bsg_account="208", address="http://127.0.0.1:8700")
    campaign = a_claim_given_back(desk)

    for bsg_account in ("", "208"):
        assert rekeyed(desk, campaign, bsg_account=bsg_account).kind is Rekeyed.ELSEWHERE


def test_a_campaign_of_another_name_or_that_nobody_claimed_stays_what_it_is(desk: Desk) -> None:
    unclaimed, campaign = desk.prepared(2), a_claim_given_back(desk)

    assert rekeyed(desk, unclaimed).kind is Rekeyed.STALE
    assert rekeyed(desk, campaign, name="marketing").kind is Rekeyed.STALE
    assert rekeyed(desk, campaign, account=ACCOUNT).kind is Rekeyed.STALE


def test_what_an_older_copy_of_the_ledger_takes_for_unsent_moves_only_with_its_gate_shut(desk: Desk) -> None:
    noted(desk, bsg_account="208")
    campaign = a_claim_given_back(desk)
    desk.ledger.gate(ACCOUNT).shut(reason=GateReason.LEDGER_WENT_BACK, by="test")

    assert rekeyed(desk, campaign).kind is Rekeyed.WENT_BACK
    assert rekeyed(desk, campaign, bsg_account="208").kind is Rekeyed.MOVED

    assert desk.ledger.gate(NEW).state().reason == GateReason.LEDGER_WENT_BACK


def test_the_kill_switch_of_the_old_key_holds_what_moved(desk: Desk) -> None:
    campaign = a_claim_given_back(desk)
    desk.ledger.gate(ACCOUNT).shut(reason=GateReason.OPERATOR, by="operator")

    rekeyed(desk, campaign)

    assert desk.ledger.gate(NEW).state().reason == GateReason.OPERATOR


def test_a_gate_that_the_old_key_itself_has_shut_holds_nothing_that_moved(desk: Desk) -> None:
    campaign = one_whose_key_was_refused(desk)

    rekeyed(desk, campaign)

    assert desk.ledger.gate(NEW).state().open


def test_an_id_that_comes_late_for_the_old_key_is_recorded_where_its_campaign_is_now(desk: Desk) -> None:
    noted(desk, bsg_account="208")
    campaign = desk.prepared(2)
    lease = desk.posting(campaign)
    rekeyed(desk, campaign, bsg_account="208")

    assert desk.taken(campaign, lease.batch, 7) == "submitted"

    assert list(desk.ledger.reading.owned(NEW)) == [(7, lease.batch_id)]
    assert list(desk.ledger.reading.owned(ACCOUNT)) == []
    assert desk.ledger.due_indexes.members(DueIndex.LIVE, account=NEW) == [lease.batch_id]


def test_the_new_key_knows_all_bsg_campaigns_of_the_old_one_before_any_campaign_moves(desk: Desk) -> None:
    noted(desk, bsg_account="208")
    owners: dict[Any, str] = {str(number): f"c-{number}" for number in range(3000)}
    desk.client.hset(f"bsg:account:{ACCOUNT}:owners", mapping=owners)

    desk.ledger.keys.inherit(NEW, old=ACCOUNT, bsg_account="209")
    assert list(desk.ledger.reading.owned(NEW)) == []
    desk.ledger.keys.inherit(NEW, old=ACCOUNT, bsg_account="208")

    assert sorted(desk.ledger.reading.owned(NEW)) == sorted(desk.ledger.reading.owned(ACCOUNT))
    assert len(list(desk.ledger.reading.owned(NEW))) == 3000


def test_whose_a_key_is_stays_known_when_no_token_tells_it(desk: Desk) -> None:
    noted(desk, bsg_account="208")
    noted(desk, bsg_account="")

    assert desk.ledger.keys.known()[ACCOUNT].bsg_account == "208"


def test_a_key_is_forgotten_unless_a_process_has_it(desk: Desk) -> None:
    desk.ledger.keys.note(ACCOUNT, name=DEFAULT_ACCOUNT, address=ADDRESS, bsg_account="")
    desk.ledger.keys.forget(ACCOUNT)
    assert desk.ledger.keys.known()[ACCOUNT].in_use

    noted(desk)
    desk.ledger.keys.forget(ACCOUNT)
    assert desk.ledger.keys.known() == {}


def test_no_campaign_is_skipped_where_another_is_purged_meanwhile(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "CAMPAIGNS_AT_ONCE", 2)
    campaigns = [desk.prepared(1) for _ in range(5)]
    for campaign in campaigns:
        desk.claimed(campaign)
    found: list[str] = []

    for campaign in desk.ledger.keys.campaigns_of(ACCOUNT, name=DEFAULT_ACCOUNT):
        found.append(campaign)
        if len(found) == 1:
            desk.client.zrem("bsg:campaigns", campaign)

    assert sorted(found) == sorted(campaigns)
