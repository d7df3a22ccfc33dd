"""Which batches in doubt need an operator, and many of them decided at once."""

from __future__ import annotations

from bsg_ledger.doubts import Doubt
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, LedgerHarness


def the_doubt(ledger_harness: LedgerHarness) -> Doubt:
    (doubt,) = ledger_harness.ledger.doubts(ACCOUNT)
    return doubt


def test_a_doubt_is_shown_with_what_an_operator_decides_by(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.unconfirmed(ledger_harness.prepared(3))
    before = the_doubt(ledger_harness)
    ledger_harness.absent(lease, window_ms=0)
    doubt = the_doubt(ledger_harness)

    assert (before.needs_operator, before.may_be_resolved, before.why) == (False, False, "read timeout")
    assert (doubt.batch, doubt.messages, doubt.account_name) == (lease.batch, 3, "default")
    assert (doubt.needs_operator, doubt.no_trace, doubt.why, doubt.if_not_sent) == (True, True, "absent", "pending")


def test_a_doubt_is_of_a_period_by_its_first_attempt(ledger_harness: LedgerHarness) -> None:
    old, young = (ledger_harness.unconfirmed(ledger_harness.prepared(1)) for _ in range(2))
    ledger_harness.age_intent(old, HOUR_MS)
    both = ledger_harness.ledger.doubts(ACCOUNT)
    between = both[1].since

    assert [doubt.batch for doubt in both] == [old.batch, young.batch]
    assert [doubt.batch for doubt in ledger_harness.ledger.doubts(ACCOUNT, since=between)] == [young.batch]
    assert [doubt.batch for doubt in ledger_harness.ledger.doubts(ACCOUNT, until=between)] == [old.batch]


def test_a_weak_absence_and_a_trace_that_does_not_fit_are_resolved_by_their_ids_alone(
    ledger_harness: LedgerHarness,
) -> None:
    weak, undecided = (ledger_harness.unconfirmed(ledger_harness.prepared(1)) for _ in range(2))
    ledger_harness.absent(weak, window_ms=0, sure=False)
    ledger_harness.absent(undecided, window_ms=0)
    ledger_harness.ledger.batches.ask_operator(undecided.batch, attempts=1, older_than_ms=0, cause="does not fit")

    assert [doubt.may_be_resolved for doubt in ledger_harness.ledger.doubts(ACCOUNT)] == [False, False]
    assert {doubt.why for doubt in ledger_harness.ledger.doubts(ACCOUNT)} == {"absent", "does not fit"}
    for lease in (weak, undecided):
        assert ledger_harness.ledger.batches.resolve_not_sent(lease.batch, shown_attempts=1) == "stale"
        assert ledger_harness.ledger.batches.resolve_not_sent(lease.batch) == "pending"


def test_what_needs_no_operator_or_was_tried_since_is_not_decided_with_others(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.unconfirmed(ledger_harness.prepared(1))
    needs_none = ledger_harness.ledger.batches.resolve_not_sent(lease.batch, shown_attempts=1)
    ledger_harness.absent(lease, window_ms=0)
    tried_since = ledger_harness.ledger.batches.resolve_not_sent(lease.batch, shown_attempts=0)
    states = [ledger_harness.ledger.batches.resolve_not_sent(lease.batch, shown_attempts=1) for _ in range(2)]

    assert (needs_none, tried_since, states) == ("stale", "stale", ["pending", "stale"])
    assert ledger_harness.counts(lease.batch.campaign_id) == {"pending": 1}


def test_what_is_asked_ends_with_the_doubt(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.unconfirmed(ledger_harness.prepared(1))
    ledger_harness.absent(lease, window_ms=0)
    ledger_harness.ledger.batches.resolve_not_sent(lease.batch)
    ledger_harness.doubtful(ledger_harness.posting(lease.batch.campaign_id))
    doubt = the_doubt(ledger_harness)

    assert (doubt.needs_operator, doubt.no_trace, doubt.why) == (False, False, "read timeout")


def test_the_history_records_what_is_asked_once_and_anew_when_it_changes(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.unconfirmed(ledger_harness.prepared(1))
    for _ in range(2):
        ledger_harness.absent(lease, window_ms=0)
    for _ in range(2):
        ledger_harness.ledger.batches.ask_operator(lease.batch, attempts=1, older_than_ms=0, cause="does not fit")
    asked = [
        transition.detail
        for transition in ledger_harness.ledger.reading.transitions(lease.batch.campaign_id)
        if transition.cause == "an operator has to decide"
    ]

    assert asked == ["absent", "does not fit"]
