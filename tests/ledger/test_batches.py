"""The rules of a batch that hold in every interleaving."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest
from redis.exceptions import OutOfMemoryError

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex, unassigned
from bsg_ledger.work import GateShut, Nothing, Prepare, Send, Wait
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, LedgerHarness

READY = ("sendable", "preparable", "due")


def an_id_was_used_before(ledger_harness: LedgerHarness, campaign: str) -> None:
    ledger_harness.ledger.batches.shrink(
        BatchId.of(campaign, 0),
        state="unconfirmed",
        size=2,
        rest=b"rest",
        rest_rows=[0],
        cause="used before",
        rejects=[(1, json.dumps({"index": 1}))],
    )


def test_a_batch_that_is_dispatched_is_not_dispatched_twice(ledger_harness: LedgerHarness) -> None:
    ledger_harness.posting(ledger_harness.prepared(2))

    assert ledger_harness.next(token="other") == Nothing()


# Absence is weak evidence


def test_a_lease_that_ran_out_on_the_wire_makes_the_batch_unconfirmed(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.posting(campaign)
    ledger_harness.end_lease(lease)

    ledger_harness.ledger.batches.take_back(ACCOUNT)

    assert ledger_harness.counts(campaign) == {"unconfirmed": 2}


def test_a_batch_whose_lease_ran_out_on_the_wire_may_be_looked_for_at_once(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.posting(ledger_harness.prepared(2))
    ledger_harness.end_lease(lease)

    ledger_harness.ledger.batches.take_back(ACCOUNT)

    due = ledger_harness.ledger.due_indexes.take_due(DueIndex.DOUBT, account=ACCOUNT, at_most=10, put_off_ms=HOUR_MS)
    assert due == [lease.batch]


def test_an_absent_batch_is_sent_again_by_itself_within_the_duplicate_window(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.unconfirmed(ledger_harness.prepared(2))

    assert ledger_harness.absent(lease, window_ms=HOUR_MS) == "pending"


def test_an_absent_batch_asks_for_an_operator_after_the_duplicate_window(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.unconfirmed(ledger_harness.prepared(2))
    ledger_harness.age_intent(lease, HOUR_MS)

    assert ledger_harness.absent(lease, window_ms=HOUR_MS) == "needs_operator"
    assert ledger_harness.batch_state(lease) == "unconfirmed"
    status = ledger_harness.ledger.reading.status(lease.batch.campaign_id)
    assert status is not None
    assert status.batches[0].needs_operator


def test_without_a_duplicate_window_an_operator_always_decides(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.unconfirmed(ledger_harness.prepared(2))

    assert ledger_harness.absent(lease, window_ms=0) == "needs_operator"


def test_a_look_for_an_earlier_attempt_says_nothing_about_a_later_one(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.unconfirmed(ledger_harness.prepared(2))

    assert ledger_harness.absent(lease, window_ms=HOUR_MS, attempts=0) == "stale"


def test_a_batch_that_waited_beyond_the_window_is_not_sent_again(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.unconfirmed(campaign)
    ledger_harness.absent(lease, window_ms=HOUR_MS)
    ledger_harness.age_intent(lease, HOUR_MS)

    assert ledger_harness.next(duplicate_window_ms=HOUR_MS) == Nothing()
    assert ledger_harness.counts(campaign) == {"unconfirmed": 2}


def test_a_trace_that_does_not_fit_asks_for_an_operator_once_the_doubt_is_old_enough(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.unconfirmed(campaign)

    def ask(older_than_ms: int) -> str:
        return ledger_harness.ledger.batches.ask_operator(
            BatchId.of(campaign, 0), attempts=1, older_than_ms=older_than_ms, cause="of another size"
        )

    assert (ask(HOUR_MS), ask(0), ask(HOUR_MS)) == ("unconfirmed", "needs_operator", "needs_operator")
    assert ledger_harness.batch_state(lease) == "unconfirmed"


def test_a_question_to_an_operator_is_over_when_the_batch_moves_on_by_itself(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.unconfirmed(campaign)
    ledger_harness.ledger.batches.ask_operator(
        BatchId.of(campaign, 0), attempts=1, older_than_ms=0, cause="of another size"
    )

    assert ledger_harness.absent(lease, window_ms=HOUR_MS) == "pending"

    status = ledger_harness.ledger.reading.status(campaign)
    assert status is not None
    assert not status.batches[0].needs_operator


def test_a_no_for_ids_that_were_used_before_is_over_when_they_are_out_and_no_trace_is_left(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.posting(campaign)
    ledger_harness.ledger.batches.doubtful(lease, account=ACCOUNT, cause="ids taken", doubts_allowed=5, suspects=[1])
    before = ledger_harness.absent(lease, window_ms=0)
    an_id_was_used_before(ledger_harness, campaign)

    assert before == "needs_operator"
    assert ledger_harness.absent(lease, window_ms=0) == "pending"
    assert ledger_harness.posting(campaign).body == b"rest"


def test_a_lease_that_lasts_is_not_taken_back(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.posting(ledger_harness.prepared(2))

    assert ledger_harness.ledger.batches.take_back(ACCOUNT) == []
    assert ledger_harness.batch_state(lease) == "posting"


def test_a_wait_that_ends_beyond_the_duplicate_window_asks_for_an_operator(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.unconfirmed(ledger_harness.prepared(2))

    state = ledger_harness.ledger.batches.absent(
        lease.batch,
        attempts=1,
        duplicate_window_ms=HOUR_MS,
        delay_ms=HOUR_MS,
        look_again_ms=1000,
        cause="absent",
    )

    assert state == "needs_operator"


def test_the_duplicate_window_counts_from_the_first_attempt_in_doubt(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.age_intent(ledger_harness.unconfirmed(campaign), HOUR_MS // 2)
    ledger_harness.ledger.batches.absent(
        BatchId.of(campaign, 0), attempts=1, duplicate_window_ms=HOUR_MS, delay_ms=0, look_again_ms=1000, cause="absent"
    )
    lease = ledger_harness.posting(campaign, duplicate_window_ms=HOUR_MS)
    ledger_harness.doubtful(lease)
    ledger_harness.age_intent(lease, HOUR_MS // 2)

    assert ledger_harness.absent(lease, window_ms=HOUR_MS, attempts=2) == "needs_operator"


def test_an_attempt_that_was_surely_not_taken_begins_no_duplicate_window(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    first = ledger_harness.posting(campaign)
    ledger_harness.ledger.batches.not_taken(first, delay_ms=0, cause="429")
    ledger_harness.age_intent(first, HOUR_MS)
    lease = ledger_harness.unconfirmed(campaign)

    assert ledger_harness.absent(lease, window_ms=HOUR_MS, attempts=2) == "pending"


def test_what_ends_a_doubt_or_needs_an_operator_changes_nothing_else(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.submitted(campaign)
    before = ledger_harness.causes(campaign)

    def ask(attempts: int) -> str:
        return ledger_harness.ledger.batches.ask_operator(
            BatchId.of(campaign, 0), attempts=attempts, older_than_ms=0, cause="of another size"
        )

    assert (ask(1), ledger_harness.absent(lease, window_ms=HOUR_MS)) == ("stale", "stale")
    assert ledger_harness.ledger.batches.resolve_not_sent(BatchId.of(campaign, 0)) == "stale"
    assert ledger_harness.causes(campaign) == before


def test_a_denial_speaks_of_the_campaign_that_counts_only(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1, 1)
    ledger_harness.submitted(campaign, 77)

    def denied(batch: int, bsg_id: int) -> str:
        return ledger_harness.unread(campaign, bsg_id, batch=batch, lost=True)

    assert (denied(0, 78), denied(1, 77), denied(0, 77)) == ("stale", "stale", "needs_operator")


def test_a_word_that_it_was_sent_finishes_nothing_but_what_bsg_denies(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    ledger_harness.submitted(campaign, 77)

    def polled(bsg_id: int) -> str:
        return ledger_harness.ledger.batches.resolve_sent(
            BatchId.of(campaign, 0), bsg_campaign_id=bsg_id, next_poll_ms=0
        )

    assert polled(77) == "stale"
    ledger_harness.unread(campaign, 77, lost=True)
    assert (polled(78), polled(77)) == ("stale", "finished")


def test_what_has_left_an_index_is_not_given_back_to_it(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    ledger_harness.submitted(campaign, 77)
    due_indexes = ledger_harness.ledger.due_indexes

    due_indexes.give_back(DueIndex.LIVE, [f"{campaign}-0", f"{campaign}-9"], account=ACCOUNT)

    assert due_indexes.take_due(DueIndex.LIVE, account=ACCOUNT, at_most=9, put_off_ms=0) == [f"{campaign}-0"]


def test_what_is_postponed_again_is_due_no_earlier_than_it_was(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    ledger_harness.unconfirmed(campaign)
    due_indexes, batch = ledger_harness.ledger.due_indexes, f"{campaign}-0"

    def due_after_minutes(minutes: int) -> int:
        due_indexes.postpone(DueIndex.DOUBT, [batch, f"{campaign}-9"], account=ACCOUNT, by_ms=minutes * 60_000)
        (due_at,) = due_indexes.looks(
            DueIndex.DOUBT, due_indexes.members(DueIndex.DOUBT, account=ACCOUNT), account=ACCOUNT
        ).values()
        return round((due_at - due_indexes.now()).total_seconds() / 60)

    assert [due_after_minutes(minutes) for minutes in (1, 5, 1)] == [1, 5, 5]


def test_an_operator_is_asked_about_the_latest_attempt_only(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.unconfirmed(campaign)

    assert (
        ledger_harness.ledger.batches.ask_operator(
            BatchId.of(campaign, 0), attempts=0, older_than_ms=0, cause="of another size"
        )
        == "stale"
    )


def test_a_no_that_is_explained_for_a_doubt_without_suspects_decides_nothing(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.unconfirmed(campaign)
    an_id_was_used_before(ledger_harness, campaign)

    assert ledger_harness.absent(lease, window_ms=0) == "needs_operator"


def a_no_for_known_ids(ledger_harness: LedgerHarness, lease: Send) -> None:
    ledger_harness.ledger.batches.doubtful(lease, account=ACCOUNT, cause="ids taken", doubts_allowed=99, suspects=[1])


def a_lease_runs_out_on_the_wire(ledger_harness: LedgerHarness, lease: Send) -> None:
    ledger_harness.end_lease(lease)
    ledger_harness.ledger.batches.take_back(ACCOUNT)


def test_a_no_for_known_ids_explains_nothing_of_an_earlier_doubt(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.absent(ledger_harness.unconfirmed(campaign), window_ms=HOUR_MS)
    lease = ledger_harness.posting(campaign, duplicate_window_ms=HOUR_MS)
    a_no_for_known_ids(ledger_harness, lease)
    an_id_was_used_before(ledger_harness, campaign)

    assert ledger_harness.absent(lease, window_ms=0, attempts=2) == "needs_operator"


@pytest.mark.parametrize(
    "later", [LedgerHarness.doubtful, a_lease_runs_out_on_the_wire], ids=["a response", "no response"]
)
def test_suspects_of_an_earlier_attempt_explain_nothing_of_a_later_doubt(
    ledger_harness: LedgerHarness, later: Callable[[LedgerHarness, Send], object]
) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.posting(campaign)
    a_no_for_known_ids(ledger_harness, lease)
    ledger_harness.absent(lease, window_ms=HOUR_MS)
    later(ledger_harness, ledger_harness.posting(campaign, duplicate_window_ms=HOUR_MS))
    an_id_was_used_before(ledger_harness, campaign)

    assert ledger_harness.absent(lease, window_ms=0, attempts=2) == "needs_operator"


def test_a_batch_that_is_marked_in_doubt_while_it_waits_is_not_explained_by_an_earlier_no(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.posting(campaign)
    a_no_for_known_ids(ledger_harness, lease)
    ledger_harness.absent(lease, window_ms=HOUR_MS)
    ledger_harness.ledger.batches.mark_in_doubt(BatchId.of(campaign, 0), attempts=1, account=ACCOUNT, cause="a trace")
    an_id_was_used_before(ledger_harness, campaign)

    assert ledger_harness.absent(lease, window_ms=0) == "needs_operator"


def test_an_explanation_ends_with_its_doubt(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.posting(campaign)
    a_no_for_known_ids(ledger_harness, lease)
    an_id_was_used_before(ledger_harness, campaign)
    ledger_harness.ledger.batches.resolve_not_sent(BatchId.of(campaign, 0))
    a_lease_runs_out_on_the_wire(ledger_harness, ledger_harness.posting(campaign))

    assert ledger_harness.absent(lease, window_ms=0, attempts=2) == "needs_operator"


def test_a_doubtful_batch_of_which_every_id_was_used_before_is_refused(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    lease = ledger_harness.unconfirmed(campaign)
    ledger_harness.shrink(campaign, (0, json.dumps({"index": 0})), state="unconfirmed", size=1)

    assert ledger_harness.batch_state(lease) == "refused"
    assert ledger_harness.counts(campaign) == {"rejected": 1}
    assert ledger_harness.state(campaign) == "failed"


# A clear no speaks for its own attempt only


@pytest.mark.parametrize("response", ["not taken", "refused", "rows refused", "account closed"])
def test_a_clear_no_leaves_the_doubt_of_an_earlier_attempt(ledger_harness: LedgerHarness, response: str) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.absent(ledger_harness.unconfirmed(campaign), window_ms=HOUR_MS)
    lease = ledger_harness.posting(campaign, duplicate_window_ms=HOUR_MS)
    batches = ledger_harness.ledger.batches
    ledger_harness.ledger.gate(ACCOUNT).open(reason="", by="probe")

    state = {
        "not taken": lambda: batches.not_taken(lease, delay_ms=0, cause="429"),
        "refused": lambda: batches.refused(lease, cause="422"),
        "rows refused": lambda: batches.rows_refused(lease, cause="422", rest=b"", rest_rows=[], rejects=[]),
        "account closed": lambda: batches.account_closed(
            lease, account=ACCOUNT, reason="bad_key", cause="401", shuts_allowed=1
        ),
    }[response]()

    assert state == "unconfirmed"
    assert ledger_harness.counts(campaign) == {"unconfirmed": 2}


def test_a_clear_no_without_earlier_doubt_counts(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)

    assert ledger_harness.ledger.batches.refused(ledger_harness.posting(campaign), cause="no such tariff") == "refused"
    assert ledger_harness.state(campaign) == "failed"


# A late id is always recorded


@pytest.mark.parametrize("state", ["pending", "posting", "cancelled", "expired", "refused", "unconfirmed"])
def test_a_late_campaign_id_is_recorded_whatever_the_state(ledger_harness: LedgerHarness, state: str) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.unconfirmed(campaign)
    if state != "unconfirmed":
        ledger_harness.ledger.batches.resolve_not_sent(BatchId.of(campaign, 0))
    if state == "posting":
        ledger_harness.posting(campaign, token="another")
    if state == "cancelled":
        ledger_harness.ledger.campaigns.cancel(campaign)
    if state == "expired":
        ledger_harness.pass_deadline(campaign)
        ledger_harness.ledger.campaigns.expire(campaign)
    if state == "refused":
        ledger_harness.ledger.batches.refused(ledger_harness.posting(campaign, token="another"), cause="422")
    assert ledger_harness.batch_state(lease) == state

    assert ledger_harness.taken(campaign, 0, 77) == "submitted"
    assert ledger_harness.counts(campaign) == {"submitted": 2}


def test_a_late_id_of_a_cancelled_campaign_is_stopped_at_bsg(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.posting(campaign)
    ledger_harness.ledger.campaigns.cancel(campaign)

    ledger_harness.taken(campaign, 0, 77)

    assert ledger_harness.ledger.due_indexes.take_due(DueIndex.STOPS, account=ACCOUNT, at_most=9, put_off_ms=9) == [
        "77"
    ]


def test_a_second_id_for_one_batch_is_recorded_stopped_and_an_alarm(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.submitted(campaign, 77)

    assert ledger_harness.taken(campaign, 0, 78) == "second"
    assert ledger_harness.taken(campaign, 0, 78) == "known"
    status = ledger_harness.ledger.reading.status(campaign)
    assert status is not None
    assert (status.batches[0].bsg_campaign_id, list(status.batches[0].other_bsg_campaign_ids)) == (77, [78])
    assert ledger_harness.ledger.due_indexes.take_due(DueIndex.STOPS, account=ACCOUNT, at_most=9, put_off_ms=9) == [
        "78"
    ]
    assert ledger_harness.client.hget("bsg:ledger", "alarms") == b"1"


def test_both_campaigns_of_a_batch_that_was_sent_twice_are_recorded_in_one_step(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    ledger_harness.posting(campaign)

    assert ledger_harness.taken(campaign, 0, 77, 78) == "submitted"

    status = ledger_harness.ledger.reading.status(campaign)
    assert status is not None
    assert (status.batches[0].bsg_campaign_id, list(status.batches[0].other_bsg_campaign_ids)) == (77, [78])
    assert ledger_harness.taken(campaign, 0, 77, 78) == "known"


def test_a_campaign_of_another_batch_among_several_leaves_the_others_recorded(ledger_harness: LedgerHarness) -> None:
    other, campaign = ledger_harness.prepared(1), ledger_harness.prepared(1)
    ledger_harness.posting(other)
    ledger_harness.taken(other, 0, 77)
    ledger_harness.posting(campaign)

    assert ledger_harness.taken(campaign, 0, 77, 78) == "submitted"

    status = ledger_harness.ledger.reading.status(campaign)
    assert status is not None
    assert status.batches[0].bsg_campaign_id == 78


def test_an_id_that_is_known_changes_nothing(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.submitted(campaign, 77)
    before = ledger_harness.causes(campaign)

    assert ledger_harness.taken(campaign, 0, 77) == "known"
    assert ledger_harness.causes(campaign) == before
    assert ledger_harness.client.hget("bsg:ledger", "alarms") is None


def test_an_id_that_another_batch_owns_is_not_taken_for_this_one(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2, 3)
    ledger_harness.submitted(campaign, 77)
    lease = ledger_harness.posting(campaign)

    assert ledger_harness.taken(campaign, lease.batch.number, 77) == "owned"
    assert ledger_harness.batch_state(lease) == "posting"


# Refused rows


def test_refused_rows_become_rejects_and_the_rest_waits_to_be_sent(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(3)
    lease = ledger_harness.posting(campaign)

    state = ledger_harness.ledger.batches.rows_refused(
        lease, cause="rows", rest=b"rest", rest_rows=[0, 2], rejects=[(1, json.dumps({"index": 1}))]
    )

    assert state == "pending"
    assert ledger_harness.counts(campaign) == {"pending": 2, "rejected": 1}
    assert ledger_harness.posting(campaign).body == b"rest"
    assert ledger_harness.ledger.reading.rows(BatchId.of(campaign, 0)) == [0, 2]


def test_a_batch_of_which_every_row_is_refused_is_refused(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)

    state = ledger_harness.ledger.batches.rows_refused(
        ledger_harness.posting(campaign), cause="rows", rest=b"", rest_rows=[], rejects=[(0, json.dumps({"index": 0}))]
    )

    assert state == "refused"
    assert ledger_harness.counts(campaign) == {"rejected": 1}


# Intent before POST


def test_nothing_leaves_of_a_paused_campaign(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.campaigns.pause(campaign)

    assert ledger_harness.next() == Nothing()
    assert ledger_harness.counts(campaign) == {"pending": 2}


def test_nothing_leaves_behind_a_shut_gate(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.gate(ACCOUNT).shut(reason="operator", by="test")

    assert ledger_harness.next() == GateShut()
    assert ledger_harness.counts(campaign) == {"pending": 2}


@pytest.mark.parametrize(
    ("field", "value"), [("paused", "1"), ("cancelled", "1"), ("deadline", "1"), ("account", "other")]
)
@pytest.mark.parametrize("waiting", ["pending", "unprepared"])
def test_nothing_is_done_for_a_campaign_whatever_an_index_says_of_it(
    ledger_harness: LedgerHarness, field: str, value: str, waiting: str
) -> None:
    campaign = ledger_harness.prepared(2) if waiting == "pending" else ledger_harness.accepted(2)
    index = "sendable" if waiting == "pending" else "preparable"
    ledger_harness.client.delete(f"bsg:account:{unassigned(DEFAULT_ACCOUNT)}:due")
    ledger_harness.client.zadd(f"bsg:account:{ACCOUNT}:{index}", {campaign: 0})
    ledger_harness.client.hset(f"bsg:campaign:{campaign}", mapping={"account": ACCOUNT, "pass": "0", field: value})

    assert ledger_harness.next() == Nothing()
    assert ledger_harness.counts(campaign) == {waiting: 2}
    assert not any(ledger_harness.client.zscore(f"bsg:account:{ACCOUNT}:{index}", campaign) for index in READY)


@pytest.mark.parametrize("record", ["not_taken", "refused", "doubtful"])
def test_whoever_holds_a_stale_lease_changes_nothing(ledger_harness: LedgerHarness, record: str) -> None:
    campaign = ledger_harness.prepared(2)
    stale = ledger_harness.posting(campaign)
    ledger_harness.end_lease(stale)
    ledger_harness.ledger.batches.take_back(ACCOUNT)
    before = ledger_harness.causes(campaign)

    state = {
        "not_taken": lambda: ledger_harness.ledger.batches.not_taken(stale, delay_ms=0, cause="429"),
        "refused": lambda: ledger_harness.ledger.batches.refused(stale, cause="422"),
        "doubtful": lambda: ledger_harness.doubtful(stale),
    }[record]()

    assert state == "stale"
    assert ledger_harness.causes(campaign) == before


def test_an_intent_of_which_nothing_left_is_taken_back(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    send = ledger_harness.posting(campaign)

    assert ledger_harness.withdraw(send, delay_ms=HOUR_MS) == "pending"
    assert ledger_harness.counts(campaign) == {"pending": 2}
    assert isinstance(ledger_harness.next(), Wait)


def test_an_intent_that_another_holds_is_not_taken_back(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    stale = ledger_harness.posting(campaign)
    ledger_harness.withdraw(stale)
    ledger_harness.posting(campaign, token="another")

    assert ledger_harness.withdraw(stale) == "stale"
    assert ledger_harness.batch_state(stale) == "posting"


def test_an_intent_that_is_taken_back_leaves_the_doubt_of_an_earlier_attempt(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.absent(ledger_harness.unconfirmed(campaign), window_ms=HOUR_MS)

    assert ledger_harness.withdraw(ledger_harness.posting(campaign, duplicate_window_ms=HOUR_MS)) == "unconfirmed"


def test_an_intent_whose_response_was_lost_is_taken_back_by_its_token(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1, 1)
    other, lost = ledger_harness.posting(campaign, token="other"), ledger_harness.posting(campaign, token="lost")

    found = ledger_harness.dispatcher().withdraw_lost("lost", delay_ms=0, cause="the response was lost")

    assert found == lost.batch
    assert (ledger_harness.batch_state(other), ledger_harness.batch_state(lost)) == ("posting", "pending")
    assert ledger_harness.dispatcher().withdraw_lost("lost", delay_ms=0, cause="the response was lost") is None


def test_a_batch_that_backs_off_is_not_sent_before_its_time(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.batches.not_taken(ledger_harness.posting(campaign), delay_ms=10_000, cause="429")

    before = ledger_harness.next()
    ledger_harness.end_backoff(campaign)

    assert isinstance(before, Wait)
    assert 9 < before.seconds <= 10
    assert ledger_harness.posting(campaign).attempts == 1


# A transition is one atomic step: a full Redis still records what happened.


def test_a_full_redis_still_records_what_happened(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.posting(campaign)
    before = ledger_harness.client.config_get("maxmemory")["maxmemory"]
    ledger_harness.client.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(OutOfMemoryError, match="maxmemory"):
            ledger_harness.client.set("something", "else")
        assert ledger_harness.taken(campaign, 0, 77) == "submitted"
    finally:
        ledger_harness.client.config_set("maxmemory", before)
    assert ledger_harness.batch_state(lease) == "submitted"


# One account


def test_the_first_dispatch_assigns_the_campaign_and_other_accounts_leave_it_alone(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = ledger_harness.prepared(2, 2)
    ledger_harness.posting(campaign)

    assert ledger_harness.next(account="other") == Nothing()


def test_a_campaign_is_assigned_to_an_account_of_the_name_that_it_was_accepted_for(
    ledger_harness: LedgerHarness,
) -> None:
    ledger_harness.accepted(2, account_name="marketing")

    assert ledger_harness.next(account="other") == Nothing()
    assert isinstance(ledger_harness.next(account_name="marketing"), Prepare)


def test_what_no_account_is_assigned_to_waits_for_one_of_its_name(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(2, account_name="marketing")
    members = partial(ledger_harness.ledger.due_indexes.members, DueIndex.DUE)

    assert members(account=unassigned(DEFAULT_ACCOUNT)) == []
    assert members(account=unassigned("marketing")) == [campaign]
    assert members(account=ACCOUNT) == []


def test_a_shut_gate_assigns_nothing(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(2)
    ledger_harness.ledger.gate(ACCOUNT).shut(reason="operator", by="test")

    assert ledger_harness.next() == GateShut()
    assert ledger_harness.ledger.due_indexes.members(DueIndex.DUE, account=unassigned(DEFAULT_ACCOUNT)) == [campaign]


# A stop at BSG is a due row


def test_a_stop_is_due_again_until_it_is_acknowledged(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.submitted(campaign, 77)
    ledger_harness.ledger.campaigns.cancel(campaign)

    first = ledger_harness.ledger.due_indexes.take_due(DueIndex.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0)
    again = ledger_harness.ledger.due_indexes.take_due(DueIndex.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0)
    ledger_harness.ledger.batches.stopped(ACCOUNT, 77, status="stopped")

    assert first == again == ["77"]
    assert ledger_harness.ledger.due_indexes.take_due(DueIndex.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0) == []
    assert "stopped at BSG" in ledger_harness.causes(campaign)


def test_a_stop_that_is_over_is_neither_refused_nor_denied(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.submitted(campaign, 77)
    ledger_harness.ledger.campaigns.cancel(campaign)
    ledger_harness.ledger.batches.stopped(ACCOUNT, 77, status="done")

    responses = (
        ledger_harness.ledger.batches.stop_refused(ACCOUNT, 77, status="creation", delay_ms=0),
        ledger_harness.ledger.batches.stop_denied(ACCOUNT, 77, older_than_ms=0, delay_ms=0, cause="not known"),
    )

    assert responses == ("stale", "stale")
    assert ledger_harness.ledger.due_indexes.take_due(DueIndex.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0) == []
    assert ledger_harness.ledger.reading.alarms() == 0


def test_a_stop_is_given_up_only_after_denials_in_a_row(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.submitted(campaign, 77)
    ledger_harness.ledger.campaigns.cancel(campaign)
    deny = partial(
        ledger_harness.ledger.batches.stop_denied, ACCOUNT, 77, older_than_ms=HOUR_MS, delay_ms=0, cause="not known"
    )
    deny()
    ledger_harness.client.hincrby(f"bsg:account:{ACCOUNT}:stop-refusals", "77:denied", -2 * HOUR_MS)
    ledger_harness.ledger.batches.stop_refused(ACCOUNT, 77, status="creation", delay_ms=0)

    first = deny()
    ledger_harness.client.hincrby(f"bsg:account:{ACCOUNT}:stop-refusals", "77:denied", -2 * HOUR_MS)

    assert (first, deny()) == ("denied", "given_up")


# What operators do


def test_a_paused_campaign_is_not_sent_until_it_is_resumed(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.campaigns.pause(campaign)
    held = ledger_harness.next()
    ledger_harness.ledger.campaigns.resume(campaign)

    assert held == Nothing()
    assert ledger_harness.posting(campaign).size == 2


def test_a_cancel_says_how_many_messages_had_gone(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2, 3)
    ledger_harness.submitted(campaign)

    assert ledger_harness.ledger.campaigns.cancel(campaign) == (3, 2)
    assert ledger_harness.counts(campaign) == {"submitted": 2, "cancelled": 3}


def test_a_retry_sends_refused_batches_again(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.batches.refused(ledger_harness.posting(campaign), cause="no such tariff")

    assert ledger_harness.ledger.campaigns.retry(campaign, deadline_ms=None) == ("retried", 2)
    assert ledger_harness.posting(campaign).size == 2


def test_a_retry_of_what_may_have_been_taken_looks_at_bsg_first(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.unconfirmed(campaign)
    ledger_harness.pass_deadline(campaign)
    assert ledger_harness.absent(lease, window_ms=HOUR_MS) == "expired"

    ledger_harness.ledger.campaigns.retry(campaign, deadline_ms=ledger_harness.ledger.due_indexes.now_ms() + HOUR_MS)

    assert ledger_harness.batch_state(lease) == "unconfirmed"


def test_a_cancelled_campaign_is_not_retried(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.campaigns.cancel(campaign)

    assert ledger_harness.ledger.campaigns.retry(campaign, deadline_ms=None) == ("cancelled", 0)


def test_a_retry_after_the_deadline_needs_a_new_one(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.pass_deadline(campaign)
    ledger_harness.ledger.campaigns.expire(campaign)

    assert ledger_harness.ledger.campaigns.retry(campaign, deadline_ms=None)[0] == "late"


def test_an_operator_decides_a_doubt_as_not_sent(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.unconfirmed(campaign)

    assert ledger_harness.ledger.batches.resolve_not_sent(BatchId.of(campaign, 0)) == "pending"
    assert ledger_harness.posting(campaign).attempts == 1


# The gate


def test_doubtful_outcomes_in_a_row_shut_the_gate(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1, 1)
    ledger_harness.doubtful(ledger_harness.posting(campaign), doubts_allowed=2)
    before = ledger_harness.ledger.gate(ACCOUNT).state().open

    ledger_harness.doubtful(ledger_harness.posting(campaign), doubts_allowed=2)

    assert before
    assert ledger_harness.ledger.gate(ACCOUNT).state().reason == "doubts"


def test_a_doubt_that_does_not_count_shuts_no_gate(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1, 1)

    states = [ledger_harness.doubtful(ledger_harness.posting(campaign), doubts_allowed=None) for _ in range(2)]

    assert states == ["unconfirmed", "unconfirmed"]
    assert ledger_harness.ledger.gate(ACCOUNT).state().open


def test_a_taken_batch_ends_the_row_of_doubts(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1, 1, 1)
    ledger_harness.doubtful(ledger_harness.posting(campaign), doubts_allowed=2)
    ledger_harness.submitted(campaign)

    ledger_harness.doubtful(ledger_harness.posting(campaign), doubts_allowed=2)

    assert ledger_harness.ledger.gate(ACCOUNT).state().open


def test_a_batch_that_shuts_the_gate_twice_is_refused(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    states = []
    for _ in range(2):
        lease = ledger_harness.posting(campaign)
        states.append(
            ledger_harness.ledger.batches.account_closed(
                lease, account=ACCOUNT, reason="bad_key", cause="key refused", shuts_allowed=2
            )
        )
        ledger_harness.ledger.gate(ACCOUNT).open(reason="", by="probe")

    assert states == ["pending", "refused"]


def test_a_batch_that_shuts_the_gate_once_is_not_refused_though_a_probe_opened_it_before(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = ledger_harness.prepared(1)
    gate = ledger_harness.ledger.gate(ACCOUNT)
    gate.shut(reason="doubts", by="others")
    gate.reopen(by="probe")

    assert shut_by(ledger_harness, ledger_harness.posting(campaign)) == "pending"


def shut_by(ledger_harness: LedgerHarness, lease: Send) -> str:
    return ledger_harness.ledger.batches.account_closed(
        lease, account=ACCOUNT, reason="bad_key", cause="key refused", shuts_allowed=2
    )


def test_a_gate_that_an_operator_opened_too_early_refuses_no_batch(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1)
    states = []
    for _ in range(3):
        states.append(shut_by(ledger_harness, ledger_harness.posting(campaign)))
        ledger_harness.ledger.gate(ACCOUNT).open(reason="", by="operator")

    assert states == ["pending"] * 3


def test_batches_that_come_upon_a_gate_that_is_shut_have_not_shut_it(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1, 1, 1)
    states = []
    for _ in range(2):
        on_the_wire = [ledger_harness.posting(campaign, token=token) for token in ("first", "second", "third")]
        states.append([shut_by(ledger_harness, lease) for lease in on_the_wire])
        ledger_harness.ledger.gate(ACCOUNT).reopen(by="probe")

    assert states == [["pending"] * 3, ["refused", "pending", "pending"]]


def test_an_operators_word_stands_over_any_other_reason(ledger_harness: LedgerHarness) -> None:
    gate = ledger_harness.ledger.gate(ACCOUNT)
    gate.shut(reason="doubts", by="a batch")
    gate.shut(reason="operator", by="operator")
    gate.shut(reason="doubts", by="a batch")

    assert gate.state().reason == "operator"


# Polling and forgetting


def test_a_final_status_finishes_the_batch_and_the_campaign(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.submitted(campaign)

    assert ledger_harness.polled(lease, "sending", final=False) == "submitted"
    assert ledger_harness.polled(lease, "done", final=True) == "finished"
    assert ledger_harness.state(campaign) == "done"
    assert ledger_harness.causes(campaign)[-3:] == ["BSG: sending", "BSG: done", "ended"]


def test_an_unchanged_status_adds_no_event(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.submitted(campaign)
    ledger_harness.polled(lease, "sending", final=False)
    before = len(ledger_harness.causes(campaign))

    ledger_harness.polled(lease, "sending", final=False)

    assert len(ledger_harness.causes(campaign)) == before


def test_only_what_is_at_bsg_is_polled_and_finishes_once(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    send = ledger_harness.posting(campaign)
    before = ledger_harness.polled(send, "done", final=True)
    ledger_harness.taken(campaign, 0, 1)
    for _ in range(2):
        ledger_harness.polled(send, "done", final=True)

    assert before == "stale"
    assert ledger_harness.causes(campaign).count("BSG: done") == 1


def test_a_closed_campaign_forgets_its_bodies_and_then_everything(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    open_response = ledger_harness.ledger.campaigns.forget_bodies(campaign)
    ledger_harness.polled(ledger_harness.submitted(campaign), "done", final=True)

    bodies = ledger_harness.ledger.campaigns.forget_bodies(campaign)
    body = ledger_harness.ledger.reading.body(BatchId.of(campaign, 0))
    everything = ledger_harness.ledger.campaigns.forget(campaign)

    assert (open_response, bodies, body, everything) == (False, True, None, True)
    assert ledger_harness.ledger.reading.status(campaign) is None
    assert list(ledger_harness.client.scan_iter(f"bsg:campaign:{campaign}*")) == []


def test_a_campaign_that_is_open_is_not_forgotten(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)

    assert not ledger_harness.ledger.campaigns.forget(campaign)
    assert ledger_harness.counts(campaign) == {"pending": 2}


def test_dropped_messages_become_rejects_while_the_batch_stays(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(3)
    ledger_harness.submitted(campaign)

    def shrink() -> str:
        return ledger_harness.shrink(campaign, (1, json.dumps({"index": 1})), state="submitted", size=3)

    assert (shrink(), shrink()) == ("shrunk", "stale")
    assert ledger_harness.counts(campaign) == {"submitted": 2, "rejected": 1}


def test_what_was_found_in_another_state_of_the_batch_rejects_nothing(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(3)
    ledger_harness.submitted(campaign)

    shrunk = ledger_harness.shrink(campaign, (1, json.dumps({"index": 1})), state="unconfirmed", size=3)

    assert shrunk == "stale"
    assert ledger_harness.counts(campaign) == {"submitted": 3}


def test_a_reject_that_is_recorded_twice_counts_once(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(3)
    ledger_harness.submitted(campaign)

    ledger_harness.shrink(
        campaign,
        (1, json.dumps({"index": 1})),
        (1, json.dumps({"index": 1, "code": "dropped_by_bsg"})),
        state="submitted",
        size=3,
    )

    assert ledger_harness.counts(campaign) == {"submitted": 2, "rejected": 1}
    assert len(list(ledger_harness.ledger.reading.rejects(campaign))) == 1


# What the ledger has forgotten


def forgotten(ledger_harness: LedgerHarness) -> str:
    campaign = ledger_harness.prepared(1)
    ledger_harness.ledger.campaigns.cancel(campaign)
    assert ledger_harness.ledger.campaigns.forget(campaign)
    return campaign


def test_an_id_that_turns_up_for_a_forgotten_campaign_is_an_alarm_and_brings_nothing_back(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = forgotten(ledger_harness)
    before = set(ledger_harness.client.keys(f"*{campaign}*"))

    response = ledger_harness.taken(campaign, 0, 77)

    assert response == "gone"
    assert ledger_harness.ledger.due_indexes.take_due(DueIndex.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0) == []
    assert ledger_harness.client.hget("bsg:ledger", "alarms") == b"1"
    assert set(ledger_harness.client.keys(f"*{campaign}*")) == before


@pytest.mark.parametrize("status", ["paused", "moderation", "spam"])
def test_what_bsg_held_when_a_campaign_was_forgotten_leaves_no_trace(
    ledger_harness: LedgerHarness, status: str
) -> None:
    campaign = ledger_harness.prepared(1)
    lease = ledger_harness.submitted(campaign)
    ledger_harness.polled(lease, "done", final=True)
    ledger_harness.polled(lease, status, final=False)

    ledger_harness.ledger.campaigns.forget(campaign)

    due_indexes = [
        ledger_harness.client.zrange(index, 0, -1) for index in ledger_harness.client.keys(f"bsg:account:{ACCOUNT}:*-*")
    ]
    assert not any(f"{campaign}-0".encode() in members for members in due_indexes)


def test_a_stop_that_is_acknowledged_after_its_campaign_was_forgotten_brings_nothing_back(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = ledger_harness.prepared(1)
    lease = ledger_harness.submitted(campaign, bsg_id=5)
    ledger_harness.taken(campaign, lease.batch.number, 6)
    ledger_harness.polled(lease, "done", final=True)
    ledger_harness.ledger.campaigns.forget(campaign)

    ledger_harness.ledger.batches.stopped(ACCOUNT, 6, status="stopped")

    assert ledger_harness.client.keys(f"*{campaign}*") == []
    assert ledger_harness.client.hgetall(f"bsg:account:{ACCOUNT}:owners") == {}
    assert ledger_harness.ledger.due_indexes.take_due(DueIndex.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0) == []


def test_a_lease_whose_batch_is_gone_keeps_no_other_from_being_taken_back(ledger_harness: LedgerHarness) -> None:
    lease = ledger_harness.posting(ledger_harness.prepared(1))
    ledger_harness.end_lease(lease)
    ledger_harness.client.zadd(f"bsg:account:{ACCOUNT}:leases", {"gone-0": 1})

    ledger_harness.ledger.batches.take_back(ACCOUNT)

    assert ledger_harness.batch_state(lease) == "unconfirmed"
    assert ledger_harness.client.zcard(f"bsg:account:{ACCOUNT}:leases") == 0
    assert ledger_harness.client.keys("*gone*") == []


def test_a_retry_of_a_chunk_whose_messages_were_forgotten_says_so(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(3)
    ledger_harness.pass_deadline(campaign)
    ledger_harness.ledger.campaigns.expire(campaign)
    ledger_harness.ledger.campaigns.forget_bodies(campaign)

    response = ledger_harness.ledger.campaigns.retry(
        campaign, deadline_ms=ledger_harness.ledger.due_indexes.now_ms() + HOUR_MS
    )

    assert response == ("forgotten", 0)
