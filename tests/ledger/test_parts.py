from __future__ import annotations

import pytest

from bsg_ledger.parts import NothingDue
from tests.ledger.campaigns import LEASE_MS, TIMEOUT_MS, Desk


def test_all_batches_and_rejects_of_a_part_appear_in_one_commit(desk: Desk) -> None:
    campaign = desk.prepared(3, 2, rejects=1)

    assert desk.counts(campaign) == {"pending": 5, "rejected": 1}
    assert desk.client.exists(f"bsg:campaign:{campaign}:part:0:messages") == 0
    assert list(desk.ledger.reading.rejects(campaign)) == ['{"index": 5}']


def test_a_second_result_of_a_part_is_discarded(desk: Desk) -> None:
    campaign = desk.accepted(2)
    lease = desk.leased_part(campaign)
    desk.ledger.parts.prepared(lease, [(2, "0+2", b"body")], [])

    again = desk.ledger.parts.prepared(lease, [(2, "0+2", b"body")], [])

    assert again is False
    assert desk.counts(campaign) == {"pending": 2}


def test_a_result_that_comes_after_the_lease_is_discarded(desk: Desk) -> None:
    campaign = desk.accepted(2)
    stale = desk.leased_part(campaign)
    desk.end_part_lease(campaign)

    committed = desk.ledger.parts.prepared(stale, [(2, "0+2", b"body")], [])

    assert committed is False
    assert desk.counts(campaign) == {"unprepared": 2}


def test_a_leased_part_is_not_leased_twice(desk: Desk) -> None:
    campaign = desk.accepted(2)
    desk.leased_part(campaign)

    second = desk.ledger.parts.lease(campaign, "other", lease_ms=LEASE_MS, losses_allowed=5, timeout_ms=TIMEOUT_MS)

    assert isinstance(second, NothingDue)
    assert second.at is not None


def test_a_lease_tells_whether_another_part_may_be_taken_now(desk: Desk) -> None:
    campaign = desk.accepted(1, 1)
    first, second = desk.leased_part(campaign), desk.leased_part(campaign)

    assert (first.another_due, second.another_due) == (True, False)


def test_the_sweep_trusts_that_the_next_part_has_been_rung_for_until_its_timeout(desk: Desk) -> None:
    campaign = desk.accepted(1, 1, 1)
    first = desk.leased_part(campaign)
    rung_again_at = desk.client.zscore("bsg:prepare", campaign)

    desk.ledger.parts.prepared(first, [(1, "0+1", b"body")], [])

    assert desk.client.zscore("bsg:prepare", campaign) == rung_again_at
    assert rung_again_at == pytest.approx(desk.ledger.due_indexes.now_ms() + TIMEOUT_MS, abs=5_000)


def test_the_sweep_rings_for_a_last_part_that_is_lost_and_for_none_when_all_are_prepared(desk: Desk) -> None:
    campaign = desk.accepted(1)
    lease = desk.leased_part(campaign)
    assert desk.client.zscore("bsg:prepare", campaign) == pytest.approx(
        desk.ledger.due_indexes.now_ms() + LEASE_MS, abs=5_000
    )

    desk.ledger.parts.prepared(lease, [(1, "0+1", b"body")], [])

    assert desk.client.zscore("bsg:prepare", campaign) is None


def test_a_part_that_lost_five_leases_fails_and_its_messages_become_rejects(desk: Desk) -> None:
    campaign = desk.accepted(3)
    for _ in range(5):
        desk.leased_part(campaign)
        desk.end_part_lease(campaign)

    after = desk.ledger.parts.lease(campaign, "token", lease_ms=LEASE_MS, losses_allowed=5, timeout_ms=TIMEOUT_MS)

    assert after == NothingDue(None)
    assert desk.counts(campaign) == {"rejected": 3}
    assert desk.state(campaign) == "failed"
    assert all('"unprocessable"' in row for row in desk.ledger.reading.rejects(campaign))


def test_a_part_given_back_counts_no_loss(desk: Desk) -> None:
    campaign = desk.accepted(1)
    for _ in range(7):
        assert desk.ledger.parts.release(desk.leased_part(campaign), delay_ms=0, cause="Redis is full")

    assert desk.leased_part(campaign).size == 1


def test_a_part_that_another_prepares_is_neither_given_back_nor_committed(desk: Desk) -> None:
    campaign = desk.accepted(1)
    stale = desk.leased_part(campaign)
    desk.end_part_lease(campaign)
    desk.ledger.parts.lease(campaign, "another", lease_ms=LEASE_MS, losses_allowed=5, timeout_ms=TIMEOUT_MS)

    assert not desk.ledger.parts.release(stale, delay_ms=0, cause="Redis is full")
    assert not desk.ledger.parts.prepared(stale, [(1, "0+1", b"body")], [])
    assert desk.counts(campaign) == {"unprepared": 1}


def test_a_part_cancelled_while_it_is_prepared_stays_cancelled(desk: Desk) -> None:
    campaign = desk.accepted(2)
    lease = desk.leased_part(campaign)
    desk.ledger.campaigns.cancel(campaign)

    committed = desk.ledger.parts.prepared(lease, [(2, "0+2", b"body")], [])

    assert committed is False
    assert desk.counts(campaign) == {"cancelled": 2}
    assert desk.state(campaign) == "cancelled"


def test_an_expired_part_is_prepared_after_a_retry_with_a_new_deadline(desk: Desk) -> None:
    campaign = desk.accepted(2)
    desk.pass_deadline(campaign)
    assert desk.ledger.campaigns.expire(campaign)
    expired = desk.counts(campaign)

    kind, messages = desk.ledger.campaigns.retry(campaign, deadline_ms=desk.ledger.due_indexes.now_ms() + 1000)

    assert expired == {"expired": 2}
    assert (kind, messages) == ("retried", 2)
    assert desk.leased_part(campaign).packed == b"packed"
