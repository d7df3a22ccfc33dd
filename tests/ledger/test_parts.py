from __future__ import annotations

import pytest

from bsg_ledger.parts import NothingDue
from tests.ledger.campaigns import LEASE_MS, TIMEOUT_MS, LedgerHarness


def test_all_batches_and_rejects_of_a_part_appear_in_one_commit(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(3, 2, rejects=1)

    assert ledger_harness.counts(campaign) == {"pending": 5, "rejected": 1}
    assert ledger_harness.client.exists(f"bsg:campaign:{campaign}:part:0:messages") == 0
    assert list(ledger_harness.ledger.reading.rejects(campaign)) == ['{"index": 5}']


def test_a_second_result_of_a_part_is_discarded(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(2)
    lease = ledger_harness.leased_part(campaign)
    ledger_harness.ledger.parts.prepared(lease, [(2, "0+2", b"body")], [])

    again = ledger_harness.ledger.parts.prepared(lease, [(2, "0+2", b"body")], [])

    assert again is False
    assert ledger_harness.counts(campaign) == {"pending": 2}


def test_a_result_that_comes_after_the_lease_is_discarded(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(2)
    stale = ledger_harness.leased_part(campaign)
    ledger_harness.end_part_lease(campaign)

    committed = ledger_harness.ledger.parts.prepared(stale, [(2, "0+2", b"body")], [])

    assert committed is False
    assert ledger_harness.counts(campaign) == {"unprepared": 2}


def test_a_leased_part_is_not_leased_twice(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(2)
    ledger_harness.leased_part(campaign)

    second = ledger_harness.ledger.parts.lease(
        campaign, "other", lease_ms=LEASE_MS, losses_allowed=5, timeout_ms=TIMEOUT_MS
    )

    assert isinstance(second, NothingDue)
    assert second.at is not None


def test_a_lease_tells_whether_another_part_may_be_taken_now(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(1, 1)
    first, second = ledger_harness.leased_part(campaign), ledger_harness.leased_part(campaign)

    assert (first.another_due, second.another_due) == (True, False)


def test_the_sweep_trusts_that_the_next_part_has_been_rung_for_until_its_timeout(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(1, 1, 1)
    first = ledger_harness.leased_part(campaign)
    rung_again_at = ledger_harness.client.zscore("bsg:prepare", campaign)

    ledger_harness.ledger.parts.prepared(first, [(1, "0+1", b"body")], [])

    assert ledger_harness.client.zscore("bsg:prepare", campaign) == rung_again_at
    assert rung_again_at == pytest.approx(ledger_harness.ledger.due_indexes.now_ms() + TIMEOUT_MS, abs=5_000)


def test_the_sweep_rings_for_a_last_part_that_is_lost_and_for_none_when_all_are_prepared(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = ledger_harness.accepted(1)
    lease = ledger_harness.leased_part(campaign)
    assert ledger_harness.client.zscore("bsg:prepare", campaign) == pytest.approx(
        ledger_harness.ledger.due_indexes.now_ms() + LEASE_MS, abs=5_000
    )

    ledger_harness.ledger.parts.prepared(lease, [(1, "0+1", b"body")], [])

    assert ledger_harness.client.zscore("bsg:prepare", campaign) is None


def test_a_part_that_lost_five_leases_fails_and_its_messages_become_rejects(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(3)
    for _ in range(5):
        ledger_harness.leased_part(campaign)
        ledger_harness.end_part_lease(campaign)

    after = ledger_harness.ledger.parts.lease(
        campaign, "token", lease_ms=LEASE_MS, losses_allowed=5, timeout_ms=TIMEOUT_MS
    )

    assert after == NothingDue(None)
    assert ledger_harness.counts(campaign) == {"rejected": 3}
    assert ledger_harness.state(campaign) == "failed"
    assert all('"unprocessable"' in row for row in ledger_harness.ledger.reading.rejects(campaign))


def test_a_part_given_back_counts_no_loss(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(1)
    for _ in range(7):
        assert ledger_harness.ledger.parts.release(
            ledger_harness.leased_part(campaign), delay_ms=0, cause="Redis is full"
        )

    assert ledger_harness.leased_part(campaign).size == 1


def test_a_part_that_another_prepares_is_neither_given_back_nor_committed(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(1)
    stale = ledger_harness.leased_part(campaign)
    ledger_harness.end_part_lease(campaign)
    ledger_harness.ledger.parts.lease(campaign, "another", lease_ms=LEASE_MS, losses_allowed=5, timeout_ms=TIMEOUT_MS)

    assert not ledger_harness.ledger.parts.release(stale, delay_ms=0, cause="Redis is full")
    assert not ledger_harness.ledger.parts.prepared(stale, [(1, "0+1", b"body")], [])
    assert ledger_harness.counts(campaign) == {"unprepared": 1}


def test_a_part_cancelled_while_it_is_prepared_stays_cancelled(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(2)
    lease = ledger_harness.leased_part(campaign)
    ledger_harness.ledger.campaigns.cancel(campaign)

    committed = ledger_harness.ledger.parts.prepared(lease, [(2, "0+2", b"body")], [])

    assert committed is False
    assert ledger_harness.counts(campaign) == {"cancelled": 2}
    assert ledger_harness.state(campaign) == "cancelled"


def test_an_expired_part_is_prepared_after_a_retry_with_a_new_deadline(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(2)
    ledger_harness.pass_deadline(campaign)
    assert ledger_harness.ledger.campaigns.expire(campaign)
    expired = ledger_harness.counts(campaign)

    kind, messages = ledger_harness.ledger.campaigns.retry(
        campaign, deadline_ms=ledger_harness.ledger.due_indexes.now_ms() + 1000
    )

    assert expired == {"expired": 2}
    assert (kind, messages) == ("retried", 2)
    assert ledger_harness.leased_part(campaign).packed == b"packed"
