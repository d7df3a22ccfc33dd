from __future__ import annotations

import pytest

from bsg_ledger.campaigns import WakeUp
from tests.ledger.campaigns import HOUR_MS, LedgerHarness


def test_a_campaign_exists_only_after_the_commit(ledger_harness: LedgerHarness) -> None:
    acceptance = ledger_harness.acceptance([3])
    ledger_harness.ledger.campaigns.store_chunk(acceptance.campaign_id, 0, b"packed", keep_ms=HOUR_MS)

    before = ledger_harness.ledger.reading.status(acceptance.campaign_id)
    accepted = ledger_harness.ledger.campaigns.accept(acceptance)

    assert before is None
    assert (accepted.kind, accepted.messages) == ("accepted", 3)
    assert ledger_harness.counts(acceptance.campaign_id) == {"unprepared": 3}
    assert ledger_harness.state(acceptance.campaign_id) == "accepted"


def test_the_commit_fails_unless_every_chunk_is_there(ledger_harness: LedgerHarness) -> None:
    acceptance = ledger_harness.acceptance([2, 2])
    ledger_harness.ledger.campaigns.store_chunk(acceptance.campaign_id, 0, b"packed", keep_ms=HOUR_MS)

    accepted = ledger_harness.ledger.campaigns.accept(acceptance)

    assert accepted.kind == "missing"
    assert ledger_harness.ledger.reading.status(acceptance.campaign_id) is None


def test_chunks_vanish_by_themselves_before_the_commit_and_stay_after_it(ledger_harness: LedgerHarness) -> None:
    acceptance = ledger_harness.acceptance([1])
    key = f"bsg:campaign:{acceptance.campaign_id}:messages"
    ledger_harness.ledger.campaigns.store_chunk(acceptance.campaign_id, 0, b"packed", keep_ms=HOUR_MS)
    expiry_before = ledger_harness.client.pttl(key)

    ledger_harness.ledger.campaigns.accept(acceptance)

    assert 0 < expiry_before <= HOUR_MS
    assert ledger_harness.client.pttl(key) == -1


def test_of_chunks_whose_time_ran_out_before_the_commit_none_counts(ledger_harness: LedgerHarness) -> None:
    acceptance = ledger_harness.acceptance([2, 2])
    ledger_harness.ledger.campaigns.store_chunk(acceptance.campaign_id, 0, b"packed", keep_ms=HOUR_MS)
    ledger_harness.client.delete(f"bsg:campaign:{acceptance.campaign_id}:messages")
    ledger_harness.ledger.campaigns.store_chunk(acceptance.campaign_id, 1, b"packed", keep_ms=HOUR_MS)

    assert ledger_harness.ledger.campaigns.accept(acceptance).kind == "missing"


def test_chunks_that_are_renewed_and_those_that_are_stored_later_expire_together(ledger_harness: LedgerHarness) -> None:
    key = "bsg:campaign:c:messages"
    ledger_harness.ledger.campaigns.store_chunk("c", 0, b"packed", keep_ms=1000)
    ledger_harness.ledger.campaigns.store_chunk("c", 1, b"packed", keep_ms=HOUR_MS)
    stored = ledger_harness.client.pttl(key)
    ledger_harness.ledger.campaigns.renew_chunks("c", keep_ms=2 * HOUR_MS)
    renewed = ledger_harness.client.pttl(key)
    ledger_harness.ledger.campaigns.drop_chunks("c")

    assert 1000 < stored <= HOUR_MS < renewed
    assert ledger_harness.client.exists(key) == 0


@pytest.mark.parametrize("late", ["store", "renew"])
def test_a_command_that_redis_reads_after_the_commit_sets_no_expiry(ledger_harness: LedgerHarness, late: str) -> None:
    acceptance, campaigns = ledger_harness.acceptance([1, 1]), ledger_harness.ledger.campaigns
    for chunk in (0, 1):
        campaigns.store_chunk(acceptance.campaign_id, chunk, b"packed", keep_ms=HOUR_MS)
    campaigns.accept(acceptance)

    if late == "store":
        campaigns.store_chunk(acceptance.campaign_id, 1, b"packed", keep_ms=HOUR_MS)
    else:
        campaigns.renew_chunks(acceptance.campaign_id, keep_ms=HOUR_MS)

    assert ledger_harness.client.pttl(f"bsg:campaign:{acceptance.campaign_id}:messages") == -1


def test_repeating_a_commit_whose_response_was_lost_returns_accepted(ledger_harness: LedgerHarness) -> None:
    acceptance = ledger_harness.acceptance([2])
    ledger_harness.accept(acceptance)

    again = ledger_harness.ledger.campaigns.accept(acceptance)

    assert again.kind == "accepted"
    assert ledger_harness.counts(acceptance.campaign_id) == {"unprepared": 2}
    assert ledger_harness.causes(acceptance.campaign_id) == ["enqueued"]


def test_the_same_key_with_the_same_content_returns_the_first_campaign(ledger_harness: LedgerHarness) -> None:
    first = ledger_harness.accepted(2, idempotency_key="key")

    second = ledger_harness.accept(ledger_harness.acceptance([2], idempotency_key="key"))

    assert (second.kind, second.campaign_id, second.messages) == ("duplicate", first, 2)


def test_the_same_key_with_other_content_is_a_conflict(ledger_harness: LedgerHarness) -> None:
    first = ledger_harness.accepted(2, idempotency_key="key")

    second = ledger_harness.accept(ledger_harness.acceptance([2], idempotency_key="key", digest="other"))

    assert (second.kind, second.campaign_id) == ("conflict", first)


def test_each_transition_raises_the_ledgers_sequence(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    before = int(ledger_harness.client.hget("bsg:ledger", "sequence"))

    ledger_harness.posting(campaign)

    assert int(ledger_harness.client.hget("bsg:ledger", "sequence")) == before + 1
    assert ledger_harness.client.hget("bsg:ledger", "incarnation") == b"incarnation"


def test_a_ledger_keeps_the_name_that_its_first_campaign_gave_it(ledger_harness: LedgerHarness) -> None:
    ledger_harness.accepted(1, incarnation="first")
    ledger_harness.accepted(1, incarnation="second")

    assert ledger_harness.client.hget("bsg:ledger", "incarnation") == b"first"


def test_a_wake_up_is_sent_with_the_commit_unless_one_waits(ledger_harness: LedgerHarness) -> None:
    wake_up = WakeUp("dispatch.default", b"a wake-up")

    ledger_harness.accepted(1, wake_up=wake_up)
    ledger_harness.accepted(1, wake_up=wake_up)
    waiting = ledger_harness.client.rpop("dispatch.default", 9)
    ledger_harness.accepted(1, wake_up=wake_up)

    assert waiting == [b"a wake-up"]
    assert ledger_harness.client.llen("dispatch.default") == 1
