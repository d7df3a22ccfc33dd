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
from tests.ledger.campaigns import ACCOUNT, LedgerHarness

NEW = "account-of-the-new-key"
ADDRESS = "https://one-api.bsg.world:443"


def rekeyed(ledger_harness: LedgerHarness, campaign: str, **changes: str) -> Rekeying:
    values = {
        "old": ACCOUNT,
        "account": NEW,
        "name": DEFAULT_ACCOUNT,
        "address": ADDRESS,
        "bsg_account": "",
        "by": "operator",
    }
    return ledger_harness.ledger.keys.rekey(campaign, **{**values, **changes})


def noted(
    ledger_harness: LedgerHarness,
    *,
    bsg_account: str = "",
    address: str = ADDRESS,
    seconds_ago: float = IN_USE_MS / 1000 + 1,
) -> None:
    """A process had the old key so long ago."""
    ledger_harness.ledger.keys.note(ACCOUNT, name=DEFAULT_ACCOUNT, address=address, bsg_account=bsg_account)
    ledger_harness.client.zincrby("bsg:keys", -seconds_ago * 1000, ACCOUNT)


def due_indexes_of(ledger_harness: LedgerHarness, account: str) -> dict[str, list[bytes]]:
    """Return what waits in each due index of an account."""
    keys = {
        key.decode().removeprefix(f"bsg:account:{account}:"): key
        for key in ledger_harness.client.keys(f"bsg:account:{account}:*")
    }
    return {
        index: ledger_harness.client.zrange(key, 0, -1)
        for index, key in keys.items()
        if ledger_harness.client.type(key) == b"zset"
    }


def is_sent_for(ledger_harness: LedgerHarness, campaign: str, account: str) -> bool:
    return ledger_harness.posting(campaign, account=account, token="new").batch.campaign_id == campaign


def one_that_was_taken_back(ledger_harness: LedgerHarness) -> str:
    campaign = ledger_harness.prepared(2)
    ledger_harness.withdraw(ledger_harness.posting(campaign))
    return campaign


def one_that_bsg_refused(ledger_harness: LedgerHarness) -> str:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.batches.refused(ledger_harness.posting(campaign), cause="refused")
    ledger_harness.ledger.campaigns.retry(campaign, deadline_ms=None)
    return campaign


def one_whose_key_was_refused(ledger_harness: LedgerHarness) -> str:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.batches.account_closed(
        ledger_harness.posting(campaign), account=ACCOUNT, reason="bad_key", cause="401", shuts_allowed=2
    )
    return campaign


@pytest.mark.parametrize("begun", [one_that_was_taken_back, one_that_bsg_refused, one_whose_key_was_refused])
def test_what_the_old_key_never_had_anything_of_moves(
    ledger_harness: LedgerHarness, begun: Callable[[LedgerHarness], str]
) -> None:
    campaign = begun(ledger_harness)

    assert rekeyed(ledger_harness, campaign).kind is Rekeyed.MOVED

    for index in (DueIndex.SENDABLE, DueIndex.PREPARABLE, DueIndex.DUE, DueIndex.LEASES):
        assert ledger_harness.ledger.due_indexes.members(index, account=ACCOUNT) == []
    assert ledger_harness.counts(campaign) == {"pending": 2}
    assert is_sent_for(ledger_harness, campaign, NEW)


def test_moving_again_moves_nothing(ledger_harness: LedgerHarness) -> None:
    campaign = one_that_was_taken_back(ledger_harness)
    rekeyed(ledger_harness, campaign)

    assert rekeyed(ledger_harness, campaign).kind is Rekeyed.STALE
    assert is_sent_for(ledger_harness, campaign, NEW)


def on_the_wire(ledger_harness: LedgerHarness, campaign: str) -> None:
    ledger_harness.posting(campaign)


def in_doubt(ledger_harness: LedgerHarness, campaign: str) -> None:
    ledger_harness.unconfirmed(campaign)


def in_doubt_and_waiting(ledger_harness: LedgerHarness, campaign: str) -> None:
    lease = ledger_harness.unconfirmed(campaign)
    assert ledger_harness.absent(lease, window_ms=3_600_000) == "pending"


def submitted(ledger_harness: LedgerHarness, campaign: str) -> None:
    ledger_harness.submitted(campaign)


def held_at_bsg(ledger_harness: LedgerHarness, campaign: str) -> None:
    ledger_harness.polled(ledger_harness.submitted(campaign), "paused", final=False)


def finished(ledger_harness: LedgerHarness, campaign: str) -> None:
    ledger_harness.polled(ledger_harness.submitted(campaign), "done", final=True)


def late_id_taken_back(ledger_harness: LedgerHarness, campaign: str) -> None:
    """BSG named a campaign, denied it, and an operator said that it was never sent."""
    lease = ledger_harness.submitted(campaign)
    ledger_harness.client.hset(f"bsg:campaign:{campaign}:batch:{lease.batch.number}", "needs_operator", "lost")
    assert ledger_harness.ledger.batches.resolve_not_sent(lease.batch) == "pending"


BEGUN = [on_the_wire, in_doubt, in_doubt_and_waiting, submitted, held_at_bsg, finished, late_id_taken_back]


@pytest.mark.parametrize("begun", BEGUN)
def test_what_the_old_keys_account_has_or_may_have_does_not_move(
    ledger_harness: LedgerHarness, begun: Callable[[LedgerHarness, str], None]
) -> None:
    noted(ledger_harness, bsg_account="")
    campaign = ledger_harness.prepared(2, 2)
    begun(ledger_harness, campaign)
    before = ledger_harness.counts(campaign)

    assert rekeyed(ledger_harness, campaign) == Rekeying(Rekeyed.BEGUN, (f"{campaign}-0",))

    assert ledger_harness.counts(campaign) == before
    assert ledger_harness.ledger.reading.account_of(campaign)[0] == ACCOUNT


@pytest.mark.parametrize("begun", BEGUN)
@pytest.mark.parametrize("by", ["operator", "worker"])
def test_all_of_it_moves_where_both_keys_are_of_one_account_at_bsg(
    ledger_harness: LedgerHarness, begun: Callable[[LedgerHarness, str], None], by: str
) -> None:
    noted(ledger_harness, bsg_account="208")
    campaign = ledger_harness.prepared(2, 2)
    begun(ledger_harness, campaign)
    due_indexes = due_indexes_of(ledger_harness, ACCOUNT)
    owned = sorted(ledger_harness.ledger.reading.owned(ACCOUNT))

    assert rekeyed(ledger_harness, campaign, bsg_account="208", by=by).kind is Rekeyed.MOVED

    assert due_indexes
    assert due_indexes_of(ledger_harness, NEW) == due_indexes
    assert due_indexes_of(ledger_harness, ACCOUNT) == {}
    assert sorted(ledger_harness.ledger.reading.owned(NEW)) == owned
    assert list(ledger_harness.ledger.reading.owned(ACCOUNT)) == []


def test_a_question_to_an_operator_is_asked_for_the_new_key(ledger_harness: LedgerHarness) -> None:
    noted(ledger_harness, bsg_account="208")
    lease = ledger_harness.unconfirmed(ledger_harness.prepared(2))
    assert ledger_harness.absent(lease, window_ms=0) == "needs_operator"

    rekeyed(ledger_harness, lease.batch.campaign_id, bsg_account="208")

    assert ledger_harness.client.zrange(f"bsg:account:{NEW}:needs-operator", 0, -1) == [lease.batch.encode()]
    assert ledger_harness.client.exists(f"bsg:account:{ACCOUNT}:needs-operator") == 0


@pytest.mark.parametrize(
    ("status", "index"),
    [("paused", "paused-at-bsg"), ("moderation", "in-moderation"), ("spam", "spam-at-bsg")],
)
def test_what_bsg_holds_is_reported_for_the_new_key(ledger_harness: LedgerHarness, status: str, index: str) -> None:
    noted(ledger_harness, bsg_account="208")
    lease = ledger_harness.submitted(ledger_harness.prepared(2))
    ledger_harness.polled(lease, status, final=False)

    rekeyed(ledger_harness, lease.batch.campaign_id, bsg_account="208")

    assert ledger_harness.client.zrange(f"bsg:account:{NEW}:{index}", 0, -1) == [lease.batch.encode()]
    assert ledger_harness.client.exists(f"bsg:account:{ACCOUNT}:{index}") == 0


def test_a_stop_goes_on_under_the_new_key(ledger_harness: LedgerHarness) -> None:
    noted(ledger_harness, bsg_account="208")
    campaign = ledger_harness.prepared(2)
    ledger_harness.submitted(campaign, 7)
    ledger_harness.ledger.campaigns.cancel(campaign)

    rekeyed(ledger_harness, campaign, bsg_account="208")

    assert ledger_harness.ledger.due_indexes.members(DueIndex.STOPS, account=NEW) == ["7"]
    assert ledger_harness.ledger.due_indexes.members(DueIndex.STOPS, account=ACCOUNT) == []


@pytest.mark.parametrize(("known", "claimed"), [("208", "209"), ("208", ""), ("", "208"), ("", "")])
def test_a_worker_moves_nothing_without_proof(ledger_harness: LedgerHarness, known: str, claimed: str) -> None:
    noted(ledger_harness, bsg_account=known)
    campaign = one_that_was_taken_back(ledger_harness)

    assert rekeyed(ledger_harness, campaign, bsg_account=claimed, by="worker").kind is Rekeyed.UNPROVED


@pytest.mark.parametrize("by", ["operator", "worker"])
def test_nothing_moves_while_a_process_has_the_old_key(ledger_harness: LedgerHarness, by: str) -> None:
    noted(ledger_harness, bsg_account="208", seconds_ago=IN_USE_MS / 1000 - 5)
    campaign = one_that_was_taken_back(ledger_harness)

    assert rekeyed(ledger_harness, campaign, bsg_account="208", by=by).kind is Rekeyed.IN_USE


def test_what_was_begun_for_another_address_stays_there(ledger_harness: LedgerHarness) -> None:
    noted(ledger_harness, bsg_account="208", address="http://127.0.0.1:8700")
    campaign = one_that_was_taken_back(ledger_harness)

    for bsg_account in ("", "208"):
        assert rekeyed(ledger_harness, campaign, bsg_account=bsg_account).kind is Rekeyed.ELSEWHERE


def test_a_campaign_of_another_name_or_without_an_account_stays_what_it_is(ledger_harness: LedgerHarness) -> None:
    campaign, unassigned = one_that_was_taken_back(ledger_harness), ledger_harness.accepted(2)

    assert rekeyed(ledger_harness, unassigned).kind is Rekeyed.STALE
    assert rekeyed(ledger_harness, campaign, name="marketing").kind is Rekeyed.STALE
    assert rekeyed(ledger_harness, campaign, account=ACCOUNT).kind is Rekeyed.STALE


def test_what_an_older_copy_of_the_ledger_takes_for_unsent_moves_only_with_its_gate_shut(
    ledger_harness: LedgerHarness,
) -> None:
    noted(ledger_harness, bsg_account="208")
    campaign = one_that_was_taken_back(ledger_harness)
    ledger_harness.ledger.gate(ACCOUNT).shut(reason=GateReason.LEDGER_WENT_BACK, by="test")

    assert rekeyed(ledger_harness, campaign).kind is Rekeyed.WENT_BACK
    assert rekeyed(ledger_harness, campaign, bsg_account="208").kind is Rekeyed.MOVED

    assert ledger_harness.ledger.gate(NEW).state().reason == GateReason.LEDGER_WENT_BACK


def test_the_kill_switch_of_the_old_key_holds_what_moved(ledger_harness: LedgerHarness) -> None:
    campaign = one_that_was_taken_back(ledger_harness)
    ledger_harness.ledger.gate(ACCOUNT).shut(reason=GateReason.OPERATOR, by="operator")

    rekeyed(ledger_harness, campaign)

    assert ledger_harness.ledger.gate(NEW).state().reason == GateReason.OPERATOR


def test_a_gate_that_the_old_key_itself_has_shut_holds_nothing_that_moved(ledger_harness: LedgerHarness) -> None:
    campaign = one_whose_key_was_refused(ledger_harness)

    rekeyed(ledger_harness, campaign)

    assert ledger_harness.ledger.gate(NEW).state().open


def test_an_id_that_comes_late_for_the_old_key_is_recorded_where_its_campaign_is_now(
    ledger_harness: LedgerHarness,
) -> None:
    noted(ledger_harness, bsg_account="208")
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.posting(campaign)
    rekeyed(ledger_harness, campaign, bsg_account="208")

    assert ledger_harness.taken(campaign, lease.batch.number, 7) == "submitted"

    assert list(ledger_harness.ledger.reading.owned(NEW)) == [(7, lease.batch)]
    assert list(ledger_harness.ledger.reading.owned(ACCOUNT)) == []
    assert ledger_harness.ledger.due_indexes.members(DueIndex.LIVE, account=NEW) == [lease.batch]


def test_the_new_key_knows_all_bsg_campaigns_of_the_old_one_before_any_campaign_moves(
    ledger_harness: LedgerHarness,
) -> None:
    noted(ledger_harness, bsg_account="208")
    owners: dict[Any, str] = {str(number): f"c-{number}" for number in range(3000)}
    ledger_harness.client.hset(f"bsg:account:{ACCOUNT}:owners", mapping=owners)

    ledger_harness.ledger.keys.inherit(NEW, old=ACCOUNT, bsg_account="209")
    assert list(ledger_harness.ledger.reading.owned(NEW)) == []
    ledger_harness.ledger.keys.inherit(NEW, old=ACCOUNT, bsg_account="208")

    assert sorted(ledger_harness.ledger.reading.owned(NEW)) == sorted(ledger_harness.ledger.reading.owned(ACCOUNT))
    assert len(list(ledger_harness.ledger.reading.owned(NEW))) == 3000


def test_whose_a_key_is_stays_known_when_no_token_names_it(ledger_harness: LedgerHarness) -> None:
    noted(ledger_harness, bsg_account="208")
    noted(ledger_harness, bsg_account="")

    assert ledger_harness.ledger.keys.known()[ACCOUNT].bsg_account == "208"


def test_a_key_is_forgotten_unless_a_process_has_it(ledger_harness: LedgerHarness) -> None:
    ledger_harness.ledger.keys.note(ACCOUNT, name=DEFAULT_ACCOUNT, address=ADDRESS, bsg_account="")
    ledger_harness.ledger.keys.forget(ACCOUNT)
    assert ledger_harness.ledger.keys.known()[ACCOUNT].in_use

    noted(ledger_harness)
    ledger_harness.ledger.keys.forget(ACCOUNT)
    assert ledger_harness.ledger.keys.known() == {}


def test_no_campaign_is_skipped_where_another_is_purged_meanwhile(
    ledger_harness: LedgerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "CAMPAIGNS_AT_ONCE", 2)
    campaigns = [ledger_harness.accepted(1) for _ in range(5)]
    ledger_harness.next()
    found: list[str] = []

    for campaign in ledger_harness.ledger.keys.campaigns_of(ACCOUNT, name=DEFAULT_ACCOUNT):
        found.append(campaign)
        if len(found) == 1:
            ledger_harness.client.zrem("bsg:campaigns", campaign)

    assert sorted(found) == sorted(campaigns)
