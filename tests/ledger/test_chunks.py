from __future__ import annotations

from bsg_ledger.work import Again, Nothing, Prepare, Wait
from tests.ledger.campaigns import HOUR_MS, LedgerHarness


def test_all_batches_and_rejects_of_a_chunk_appear_in_one_commit(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(3, 2, rejects=1)

    assert ledger_harness.counts(campaign) == {"pending": 5, "rejected": 1}
    assert ledger_harness.client.exists(f"bsg:campaign:{campaign}:messages") == 0
    assert list(ledger_harness.ledger.reading.rejects(campaign)) == ['{"index": 5}']


def test_a_second_result_of_a_chunk_is_discarded(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(2)
    lease = ledger_harness.preparing()
    ledger_harness.ledger.chunks.prepared(lease, [(2, "0+2", b"body")], [])

    again = ledger_harness.ledger.chunks.prepared(lease, [(2, "0+2", b"body")], [])

    assert again is False
    assert ledger_harness.counts(campaign) == {"pending": 2}


def test_a_result_that_comes_after_the_lease_is_discarded(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(2)
    stale = ledger_harness.preparing()
    ledger_harness.end_chunk_lease(campaign)

    committed = ledger_harness.ledger.chunks.prepared(stale, [(2, "0+2", b"body")], [])

    assert committed is False
    assert ledger_harness.counts(campaign) == {"unprepared": 2}


def test_a_leased_chunk_is_not_leased_twice(ledger_harness: LedgerHarness) -> None:
    ledger_harness.accepted(2)
    ledger_harness.preparing()

    second = ledger_harness.next(token="other")

    assert isinstance(second, Wait)


def test_a_lease_says_whether_somebody_should_be_woken_for_what_is_left(ledger_harness: LedgerHarness) -> None:
    ledger_harness.accepted(1, 1)

    assert [ledger_harness.preparing().wake_another for _ in range(2)] == [True, False]


def test_without_a_permit_nothing_is_sent_and_what_is_sent_next_is_prepared(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    another = ledger_harness.accepted(1)

    ahead = ledger_harness.next(permit=False)

    assert isinstance(ahead, Prepare)
    assert ahead.campaign_id == another
    assert ledger_harness.next(permit=False) == Nothing()
    assert ledger_harness.sending().batch.campaign_id == campaign


def test_who_has_no_permit_waits_for_no_moment_in_place_of_others(ledger_harness: LedgerHarness) -> None:
    ledger_harness.withdraw(ledger_harness.posting(ledger_harness.prepared(1)), delay_ms=5_000)

    assert ledger_harness.next(permit=False) == Nothing()
    waits = ledger_harness.next()
    assert isinstance(waits, Wait)
    assert waits.mine


def test_no_more_is_prepared_of_a_campaign_than_may_wait_for_a_slot(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(*[1] * 20)
    leased = [ledger_harness.preparing(interval_us=HOUR_MS * 1000) for _ in range(8)]

    assert isinstance(ledger_harness.next(interval_us=HOUR_MS * 1000), Wait)

    ledger_harness.ledger.chunks.prepared(leased[0], [(1, "0+1", b"body")], [])
    ledger_harness.posting(campaign)
    assert isinstance(ledger_harness.next(), Prepare)


def test_a_chunk_whose_lease_is_lost_is_due_again(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(1)
    first = ledger_harness.preparing()
    ledger_harness.end_chunk_lease(campaign)

    assert ledger_harness.preparing().chunk == first.chunk


def test_a_chunk_that_lost_five_leases_fails_and_its_messages_become_rejects(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(3)
    for _ in range(5):
        ledger_harness.preparing()
        ledger_harness.end_chunk_lease(campaign)

    assert ledger_harness.next() == Again()
    assert ledger_harness.next() == Nothing()
    assert ledger_harness.counts(campaign) == {"rejected": 3}
    assert ledger_harness.state(campaign) == "failed"
    assert all('"unprocessable"' in row for row in ledger_harness.ledger.reading.rejects(campaign))


def test_a_chunk_given_back_counts_no_loss(ledger_harness: LedgerHarness) -> None:
    ledger_harness.accepted(1)
    for _ in range(7):
        assert ledger_harness.ledger.chunks.release(ledger_harness.preparing(), delay_ms=0, cause="Redis is full")

    assert ledger_harness.preparing().size == 1


def test_a_chunk_that_another_prepares_is_neither_given_back_nor_committed(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(1)
    stale = ledger_harness.preparing()
    ledger_harness.end_chunk_lease(campaign)
    ledger_harness.preparing(token="another")

    assert not ledger_harness.ledger.chunks.release(stale, delay_ms=0, cause="Redis is full")
    assert not ledger_harness.ledger.chunks.prepared(stale, [(1, "0+1", b"body")], [])
    assert ledger_harness.counts(campaign) == {"unprepared": 1}


def test_a_chunk_cancelled_while_it_is_prepared_stays_cancelled(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(2)
    lease = ledger_harness.preparing()
    ledger_harness.ledger.campaigns.cancel(campaign)

    committed = ledger_harness.ledger.chunks.prepared(lease, [(2, "0+2", b"body")], [])

    assert committed is False
    assert ledger_harness.counts(campaign) == {"cancelled": 2}
    assert ledger_harness.state(campaign) == "cancelled"


def test_an_expired_chunk_is_prepared_after_a_retry_with_a_new_deadline(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(2)
    ledger_harness.pass_deadline(campaign)
    assert ledger_harness.ledger.campaigns.expire(campaign)
    expired = ledger_harness.counts(campaign)

    kind, messages = ledger_harness.ledger.campaigns.retry(
        campaign, deadline_ms=ledger_harness.ledger.due_indexes.now_ms() + 1000
    )

    assert expired == {"expired": 2}
    assert (kind, messages) == ("retried", 2)
    assert ledger_harness.preparing().packed == b"packed"
