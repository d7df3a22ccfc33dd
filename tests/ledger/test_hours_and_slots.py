"""When a batch may leave: the campaign's sending hours, its price, and the account's rate limit."""

from __future__ import annotations

import pytest

from bsg_ledger.work import Nothing, OpenHours, Prepare, Send, Wait
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, LedgerHarness

A_MINUTE_US = 60_000_000
LIMIT = f"bsg:account:{ACCOUNT}:limit:submit"


# Sending hours


def hours_asked(ledger_harness: LedgerHarness) -> OpenHours:
    ledger_harness.prepared(2, 2, has_hours=True)
    work = ledger_harness.next()
    assert isinstance(work, OpenHours)
    return work


def set_hours(ledger_harness: LedgerHarness, asked: OpenHours, opens_in_ms: int, closes_in_ms: int) -> bool:
    now_ms = ledger_harness.ledger.due_indexes.now_ms()
    return ledger_harness.ledger.campaigns.set_hours(
        asked.campaign_id,
        closed_at_ms=asked.closes_at_ms,
        opens_at_ms=now_ms + opens_in_ms,
        closes_at_ms=now_ms + closes_in_ms,
    )


def test_a_campaign_with_hours_asks_for_them_before_anything_leaves(ledger_harness: LedgerHarness) -> None:
    asked = hours_asked(ledger_harness)

    assert abs(asked.now_ms - ledger_harness.ledger.due_indexes.now_ms()) < 5_000
    assert isinstance(ledger_harness.next(), Wait)  # others pass it by meanwhile


def test_a_batch_leaves_within_the_hours(ledger_harness: LedgerHarness) -> None:
    asked = hours_asked(ledger_harness)

    assert set_hours(ledger_harness, asked, -1, HOUR_MS)
    assert isinstance(ledger_harness.next(), Send)


def test_nothing_leaves_before_the_hours_begin(ledger_harness: LedgerHarness) -> None:
    asked = hours_asked(ledger_harness)
    set_hours(ledger_harness, asked, 15_000, HOUR_MS)

    wait = ledger_harness.next()

    assert isinstance(wait, Wait)
    assert 14 < wait.seconds <= 15


def test_hours_that_are_over_are_asked_for_again(ledger_harness: LedgerHarness) -> None:
    asked = hours_asked(ledger_harness)
    set_hours(ledger_harness, asked, -2, -1)

    again = ledger_harness.next()

    assert isinstance(again, OpenHours)
    assert again.closes_at_ms > asked.closes_at_ms


def test_hours_that_somebody_else_has_set_stay(ledger_harness: LedgerHarness) -> None:
    asked = hours_asked(ledger_harness)
    set_hours(ledger_harness, asked, -1, HOUR_MS)

    assert not set_hours(ledger_harness, asked, HOUR_MS, 2 * HOUR_MS)
    assert isinstance(ledger_harness.next(), Send)


def test_a_row_of_an_index_opens_no_hours(ledger_harness: LedgerHarness) -> None:
    asked = hours_asked(ledger_harness)
    set_hours(ledger_harness, asked, HOUR_MS, 2 * HOUR_MS)
    ledger_harness.client.zadd(f"bsg:account:{ACCOUNT}:sendable", {asked.campaign_id: 0})

    assert isinstance(ledger_harness.next(), Wait)


def test_a_row_of_an_index_ends_no_backoff(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    ledger_harness.ledger.batches.not_taken(ledger_harness.posting(campaign), delay_ms=HOUR_MS, cause="HTTP 429")
    ledger_harness.client.zadd(f"bsg:account:{ACCOUNT}:sendable", {campaign: 0})

    assert isinstance(ledger_harness.next(), Wait)


def test_a_row_of_an_index_leases_no_chunk_again(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(1)
    ledger_harness.preparing()
    ledger_harness.client.zadd(f"bsg:account:{ACCOUNT}:preparable", {campaign: 0})

    assert isinstance(ledger_harness.next(), Wait)


# The price


def test_a_second_batch_waits_for_the_price_of_the_first_and_leaves_when_it_comes_in(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = ledger_harness.prepared(1, 1, max_cost="10")
    first = ledger_harness.posting(campaign)

    waits = ledger_harness.next()
    ledger_harness.ledger.batches.taken(
        first.batch, account=ACCOUNT, bsg_campaign_id=1, bsg_status="", next_poll_ms=0, cause="taken",
        price="2", currency="UAH", token=first.token,
    )  # fmt: skip

    assert isinstance(waits, Wait)
    assert waits.seconds <= 1
    assert isinstance(ledger_harness.next(), Send)


def test_a_batch_that_would_cost_too_much_pauses_its_campaign(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1, 1, max_cost="3")
    first = ledger_harness.posting(campaign)
    ledger_harness.ledger.batches.taken(
        first.batch, account=ACCOUNT, bsg_campaign_id=1, bsg_status="", next_poll_ms=0, cause="taken",
        price="2", currency="UAH", token=first.token,
    )  # fmt: skip

    assert ledger_harness.next() == Nothing()
    status = ledger_harness.ledger.reading.status(campaign)
    assert status is not None
    assert status.paused
    assert ledger_harness.client.hget(f"bsg:campaign:{campaign}", "capped").startswith(b"the next batch would pass")


# The rate limit


def test_one_request_leaves_for_each_slot(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(1, 1)

    assert isinstance(ledger_harness.next(interval_us=A_MINUTE_US), Send)
    wait = ledger_harness.next(interval_us=A_MINUTE_US)

    assert isinstance(wait, Wait)
    assert 59 < wait.seconds <= 60


def test_a_slot_that_is_free_in_a_moment_is_taken_and_waited_for(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(1)
    ledger_harness.client.set(LIMIT, ledger_harness.ledger.due_indexes.now_ms() * 1000 + 40_000)

    send = ledger_harness.sending(interval_us=A_MINUTE_US)

    assert 0 < send.slot_in <= 0.04
    assert int(ledger_harness.client.get(LIMIT)) > send.now_ms * 1000 + A_MINUTE_US


def test_a_cool_down_of_the_account_holds_every_batch(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(1)
    ledger_harness.client.set(
        f"bsg:account:{ACCOUNT}:cool-down", ledger_harness.ledger.due_indexes.now_ms() * 1000 + 10_000_000
    )

    wait = ledger_harness.next()

    assert isinstance(wait, Wait)
    assert 9 < wait.seconds <= 10


def test_a_slot_that_lies_impossibly_far_ahead_is_that_of_a_clock_that_was_set_back(
    ledger_harness: LedgerHarness,
) -> None:
    ledger_harness.prepared(1)
    ledger_harness.client.set(LIMIT, ledger_harness.ledger.due_indexes.now_ms() * 1000 + 3600_000_000)

    assert isinstance(ledger_harness.next(), Send)


def test_one_alone_waits_for_a_slot(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(1, 1)
    ledger_harness.sending(interval_us=2_000_000)

    first, second = ledger_harness.next(interval_us=2_000_000), ledger_harness.next(interval_us=2_000_000)

    assert isinstance(first, Wait)
    assert isinstance(second, Wait)
    assert (first.mine, second.mine) == (True, False)


def test_somebody_else_waits_for_what_comes_earlier(ledger_harness: LedgerHarness) -> None:
    ledger_harness.ledger.batches.not_taken(
        ledger_harness.posting(ledger_harness.prepared(1)), delay_ms=15_000, cause="HTTP 429"
    )
    later = ledger_harness.next()
    ledger_harness.ledger.batches.not_taken(
        ledger_harness.posting(ledger_harness.prepared(1)), delay_ms=5_000, cause="HTTP 429"
    )

    earlier = ledger_harness.next()

    assert isinstance(later, Wait)
    assert isinstance(earlier, Wait)
    assert (later.mine, earlier.mine) == (True, True)


def test_nobody_is_to_wait_for_what_is_far_off(ledger_harness: LedgerHarness) -> None:
    ledger_harness.ledger.batches.not_taken(
        ledger_harness.posting(ledger_harness.prepared(1)), delay_ms=HOUR_MS, cause="HTTP 429"
    )

    wait = ledger_harness.next()

    assert isinstance(wait, Wait)
    assert not wait.mine


def test_chunks_are_prepared_while_the_slot_is_taken(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(1)
    ledger_harness.sending(interval_us=A_MINUTE_US)
    ledger_harness.accepted(1)

    assert isinstance(ledger_harness.next(interval_us=A_MINUTE_US), Prepare)


@pytest.mark.parametrize(("queued", "woken"), [(0, True), (1, False)])
def test_another_is_woken_only_where_no_wake_up_waits(ledger_harness: LedgerHarness, queued: int, woken: bool) -> None:
    ledger_harness.prepared(1, 1)
    for _ in range(queued):
        ledger_harness.client.lpush("dispatch.default", "a wake-up")

    assert ledger_harness.sending().wake_another is woken


def test_nobody_is_woken_where_nothing_else_is_ready(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(1)

    assert not ledger_harness.sending().wake_another


def test_what_is_ready_is_unattended_until_a_wake_up_waits(ledger_harness: LedgerHarness) -> None:
    dispatcher = ledger_harness.dispatcher()
    before = dispatcher.is_unattended()
    ledger_harness.accepted(1)
    accepted = dispatcher.is_unattended()
    ledger_harness.client.lpush("dispatch.default", "a wake-up")
    queued = dispatcher.is_unattended()
    ledger_harness.client.delete("dispatch.default")
    ledger_harness.ledger.chunks.prepared(ledger_harness.preparing(), [(1, "0+1", b"body")], [])
    ready = dispatcher.is_unattended()
    ledger_harness.ledger.batches.not_taken(ledger_harness.sending(), delay_ms=HOUR_MS, cause="HTTP 429")

    assert (before, accepted, queued, ready, dispatcher.is_unattended()) == (False, True, False, True, False)
