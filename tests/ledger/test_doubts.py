"""What an operator is asked about a batch in doubt, and many of them decided at once."""

from __future__ import annotations

from bsg_ledger.doubts import Doubt
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, Desk


def the_doubt(desk: Desk) -> Doubt:
    (doubt,) = desk.ledger.doubts(ACCOUNT)
    return doubt


def test_a_doubt_is_shown_with_what_an_operator_decides_by(desk: Desk) -> None:
    lease = desk.unconfirmed(desk.prepared(3))
    before = the_doubt(desk)
    desk.absent(lease, window_ms=0)
    doubt = the_doubt(desk)

    assert (before.needs_operator, before.may_be_resolved, before.why) == (False, False, "read timeout")
    assert (doubt.batch, doubt.messages, doubt.account_name) == (lease.batch_id, 3, "default")
    assert (doubt.needs_operator, doubt.no_trace, doubt.why, doubt.if_not_sent) == (True, True, "absent", "pending")


def test_a_doubt_is_of_a_period_by_its_first_attempt(desk: Desk) -> None:
    old, young = (desk.unconfirmed(desk.prepared(1)) for _ in range(2))
    desk.age_intent(old, HOUR_MS)
    both = desk.ledger.doubts(ACCOUNT)
    between = both[1].since

    assert [doubt.batch for doubt in both] == [old.batch_id, young.batch_id]
    assert [doubt.batch for doubt in desk.ledger.doubts(ACCOUNT, since=between)] == [young.batch_id]
    assert [doubt.batch for doubt in desk.ledger.doubts(ACCOUNT, until=between)] == [old.batch_id]


def test_a_weak_absence_and_a_trace_that_does_not_fit_are_resolved_by_their_ids_alone(desk: Desk) -> None:
    weak, undecided = (desk.unconfirmed(desk.prepared(1)) for _ in range(2))
    desk.absent(weak, window_ms=0, sure=False)
    desk.absent(undecided, window_ms=0)
    desk.ledger.batches.ask_operator(undecided.campaign_id, 0, attempts=1, older_than_ms=0, cause="does not fit")

    assert [doubt.may_be_resolved for doubt in desk.ledger.doubts(ACCOUNT)] == [False, False]
    assert {doubt.why for doubt in desk.ledger.doubts(ACCOUNT)} == {"absent", "does not fit"}
    for lease in (weak, undecided):
        assert desk.ledger.batches.resolve_not_sent(lease.campaign_id, 0, shown_attempts=1) == "stale"
        assert desk.ledger.batches.resolve_not_sent(lease.campaign_id, 0) == "pending"


def test_what_needs_no_operator_or_was_tried_since_is_not_decided_with_others(desk: Desk) -> None:
    lease = desk.unconfirmed(desk.prepared(1))
    needs_none = desk.ledger.batches.resolve_not_sent(lease.campaign_id, 0, shown_attempts=1)
    desk.absent(lease, window_ms=0)
    tried_since = desk.ledger.batches.resolve_not_sent(lease.campaign_id, 0, shown_attempts=0)
    states = [desk.ledger.batches.resolve_not_sent(lease.campaign_id, 0, shown_attempts=1) for _ in range(2)]

    assert (needs_none, tried_since, states) == ("stale", "stale", ["pending", "stale"])
    assert desk.counts(lease.campaign_id) == {"pending": 1}


def test_what_is_asked_ends_with_the_doubt(desk: Desk) -> None:
    lease = desk.unconfirmed(desk.prepared(1))
    desk.absent(lease, window_ms=0)
    desk.ledger.batches.resolve_not_sent(lease.campaign_id, 0)
    desk.doubtful(desk.posting(lease.campaign_id))
    doubt = the_doubt(desk)

    assert (doubt.needs_operator, doubt.no_trace, doubt.why) == (False, False, "read timeout")


def test_the_history_tells_what_is_asked_once_and_anew_when_it_changes(desk: Desk) -> None:
    lease = desk.unconfirmed(desk.prepared(1))
    for _ in range(2):
        desk.absent(lease, window_ms=0)
    for _ in range(2):
        desk.ledger.batches.ask_operator(lease.campaign_id, 0, attempts=1, older_than_ms=0, cause="does not fit")
    asked = [
        transition.detail
        for transition in desk.ledger.reading.transitions(lease.campaign_id)
        if transition.cause == "an operator has to decide"
    ]

    assert asked == ["absent", "does not fit"]
