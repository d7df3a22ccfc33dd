"""Batches whose messages have to be held against the list of suppressed phones again."""

from __future__ import annotations

import json

import pytest

from bsg_ledger.work import Nothing, Recheck, Wait
from tests.ledger.campaigns import HOUR_MS, LedgerHarness


def rechecked(ledger_harness: LedgerHarness) -> Recheck:
    """Of a campaign of two messages, after somebody has been suppressed."""
    ledger_harness.prepared(2)
    ledger_harness.ledger.suppressions.add(["380000000000"])
    work = ledger_harness.next()
    assert isinstance(work, Recheck)
    return work


def test_a_batch_does_not_leave_before_it_is_held_against_the_list_of_now(ledger_harness: LedgerHarness) -> None:
    recheck = rechecked(ledger_harness)

    assert (recheck.size, recheck.attempts, recheck.held_against, recheck.suppressions) == (2, 0, 0, 1)
    assert (recheck.body, recheck.rows) == (b"body", [0, 1])
    assert isinstance(ledger_harness.next(), Wait)  # others pass it by
    assert ledger_harness.counts(recheck.batch.campaign_id) == {"pending": 2}


def test_a_batch_without_suppressed_phones_leaves_at_once(ledger_harness: LedgerHarness) -> None:
    recheck = rechecked(ledger_harness)

    assert ledger_harness.dispatcher().suppression_checked(recheck) == "pending"
    assert ledger_harness.sending().batch == recheck.batch


def test_suppressed_messages_become_rejects_and_the_rest_leaves_at_once(ledger_harness: LedgerHarness) -> None:
    recheck = rechecked(ledger_harness)

    state = ledger_harness.dispatcher().rows_suppressed(
        recheck, rest=b"rest", rest_rows=[0], rejects=[(1, json.dumps({"index": 1}))]
    )

    assert state == "pending"
    assert ledger_harness.counts(recheck.batch.campaign_id) == {"pending": 1, "rejected": 1}
    assert ledger_harness.sending().body == b"rest"


def test_a_batch_of_which_every_phone_is_suppressed_is_refused(ledger_harness: LedgerHarness) -> None:
    recheck = rechecked(ledger_harness)
    rejects = [(index, json.dumps({"index": index})) for index in range(2)]

    assert ledger_harness.dispatcher().rows_suppressed(recheck, rest=b"", rest_rows=[], rejects=rejects) == "refused"
    assert ledger_harness.counts(recheck.batch.campaign_id) == {"rejected": 2}
    assert ledger_harness.next() == Nothing()


def test_a_batch_in_doubt_is_looked_up_before_messages_are_taken_out_of_it(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.absent(ledger_harness.unconfirmed(campaign), window_ms=HOUR_MS)
    ledger_harness.ledger.suppressions.add(["380000000000"])
    recheck = ledger_harness.next(duplicate_window_ms=HOUR_MS)
    assert isinstance(recheck, Recheck)

    assert (
        ledger_harness.dispatcher().rows_suppressed(recheck, rest=b"rest", rest_rows=[0], rejects=[(1, "{}")])
        == "unconfirmed"
    )
    assert ledger_harness.counts(campaign) == {"unconfirmed": 2}


@pytest.mark.parametrize("changed", ["sent", "checked", "shrunk", "cancelled"])
def test_what_was_read_of_a_batch_that_has_changed_since_changes_nothing(
    ledger_harness: LedgerHarness, changed: str
) -> None:
    recheck = rechecked(ledger_harness)
    campaign = recheck.batch.campaign_id
    match changed:
        case "sent":
            ledger_harness.dispatcher().suppression_checked(recheck)
            ledger_harness.ledger.batches.not_taken(ledger_harness.sending(), delay_ms=0, cause="HTTP 429")
        case "checked":
            ledger_harness.dispatcher().suppression_checked(recheck)
        case "shrunk":
            ledger_harness.client.hset(f"bsg:campaign:{campaign}:batch:0", "size", 1)
        case _:
            ledger_harness.ledger.campaigns.cancel(campaign)
    dispatcher = ledger_harness.dispatcher()

    assert dispatcher.suppression_checked(recheck) == "stale"
    assert dispatcher.rows_suppressed(recheck, rest=b"", rest_rows=[], rejects=[(1, "{}")]) == "stale"
    assert dispatcher.put_off(recheck, delay_ms=0, cause="no key opens it") == "stale"


def test_a_batch_that_cannot_be_read_here_waits(ledger_harness: LedgerHarness) -> None:
    recheck = rechecked(ledger_harness)

    assert ledger_harness.dispatcher().put_off(recheck, delay_ms=15_000, cause="no key opens it") == "pending"

    waits = ledger_harness.next()
    assert isinstance(waits, Wait)
    assert 14 < waits.seconds <= 15


def test_what_was_prepared_against_the_list_of_now_leaves_without_another_look(ledger_harness: LedgerHarness) -> None:
    ledger_harness.ledger.suppressions.add(["380000000000"])
    campaign = ledger_harness.accepted(1)
    chunk = ledger_harness.preparing()
    assert chunk.suppressions == 1
    ledger_harness.ledger.chunks.prepared(chunk, [(1, "0+1", b"body")], [])

    assert ledger_harness.sending().batch.campaign_id == campaign
