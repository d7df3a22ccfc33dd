"""The rules of a batch that hold in every interleaving."""

from __future__ import annotations

import json

import pytest

from bsg_ledger.batches import NotClaimed
from bsg_ledger.parts import NothingDue
from bsg_ledger.rooms import Room
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, LEASE_MS, Desk


def test_a_claimed_batch_is_not_claimed_twice(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.claimed(campaign)

    second = desk.ledger.batches.claim(campaign, bell="", account=ACCOUNT, token="other", lease_ms=LEASE_MS)

    assert second == NothingDue(None)


def test_a_lease_that_ran_out_before_the_intent_makes_the_batch_pending(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.claimed(campaign)
    desk.end_lease(lease)

    assert desk.ledger.batches.take_back(ACCOUNT, at_most=10) == [lease.batch_id]
    assert desk.counts(campaign) == {"pending": 2}


# Rule 1


def test_a_lease_that_ran_out_on_the_wire_makes_the_batch_unconfirmed(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.posting(campaign)
    desk.end_lease(lease)

    desk.ledger.batches.take_back(ACCOUNT, at_most=10)

    assert desk.counts(campaign) == {"unconfirmed": 2}


def test_a_batch_whose_lease_ran_out_on_the_wire_may_be_looked_for_at_once(desk: Desk) -> None:
    lease = desk.posting(desk.prepared(2))
    desk.end_lease(lease)

    desk.ledger.batches.take_back(ACCOUNT, at_most=10)

    due = desk.ledger.rooms.take_due(Room.DOUBT, account=ACCOUNT, at_most=10, put_off_ms=HOUR_MS)
    assert due == [lease.batch_id]


def test_an_absent_batch_is_sent_again_by_itself_within_the_duplicate_window(desk: Desk) -> None:
    lease = desk.unconfirmed(desk.prepared(2))

    assert desk.absent(lease, window_ms=HOUR_MS) == "pending"


def test_an_absent_batch_asks_for_a_person_after_the_duplicate_window(desk: Desk) -> None:
    lease = desk.unconfirmed(desk.prepared(2))
    desk.age_intent(lease, HOUR_MS)

    assert desk.absent(lease, window_ms=HOUR_MS) == "asks"
    assert desk.batch_state(lease) == "unconfirmed"


def test_without_a_duplicate_window_a_person_always_decides(desk: Desk) -> None:
    lease = desk.unconfirmed(desk.prepared(2))

    assert desk.absent(lease, window_ms=0) == "asks"


def test_evidence_of_an_earlier_attempt_says_nothing_about_a_later_one(desk: Desk) -> None:
    lease = desk.unconfirmed(desk.prepared(2))

    assert desk.absent(lease, window_ms=HOUR_MS, attempts=0) == "stale"


def test_a_batch_that_waited_beyond_the_window_is_not_sent_again(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.absent(desk.unconfirmed(campaign), window_ms=HOUR_MS)
    lease = desk.claimed(campaign)
    desk.age_intent(lease, HOUR_MS)

    assert desk.intend(lease, duplicate_window_ms=HOUR_MS) == "unconfirmed"


def test_a_trace_that_does_not_fit_asks_for_a_person_once_the_doubt_is_old_enough(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.unconfirmed(campaign)

    def ask(older_than_ms: int) -> str:
        return desk.ledger.batches.ask(campaign, 0, attempts=1, older_than_ms=older_than_ms, cause="of another size")

    assert (ask(HOUR_MS), ask(0), ask(HOUR_MS)) == ("unconfirmed", "asks", "asks")
    assert desk.batch_state(lease) == "unconfirmed"


def test_a_no_for_ids_that_were_used_before_is_over_when_they_are_out_and_no_trace_is_left(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.posting(campaign)
    desk.ledger.batches.doubtful(lease, account=ACCOUNT, cause="ids taken", doubts_allowed=5, suspects=[1])
    before = desk.absent(lease, window_ms=0)
    desk.ledger.batches.shrink(
        campaign,
        0,
        state="unconfirmed",
        size=2,
        rest=b"rest",
        rest_rows=[0],
        cause="used before",
        rejects=[(1, json.dumps({"index": 1}))],
    )

    assert before == "asks"
    assert desk.absent(lease, window_ms=0) == "pending"
    assert desk.claimed(campaign).body == b"rest"


# Rule 2


@pytest.mark.parametrize("answer", ["not taken", "refused", "rows refused", "account closed"])
def test_a_clear_no_leaves_the_doubt_of_an_earlier_attempt(desk: Desk, answer: str) -> None:
    campaign = desk.prepared(2)
    desk.absent(desk.unconfirmed(campaign), window_ms=HOUR_MS)
    lease = desk.posting(campaign, duplicate_window_ms=HOUR_MS)
    batches = desk.ledger.batches

    state = {
        "not taken": lambda: batches.not_taken(lease, delay_ms=0, cause="429"),
        "refused": lambda: batches.refused(lease, cause="422"),
        "rows refused": lambda: batches.rows_refused(lease, cause="422", rest=b"", rest_rows=[], rejects=[]),
        "account closed": lambda: batches.account_closed(
            lease, account=ACCOUNT, reason="bad_key", cause="401", shuts_allowed=1
        ),
    }[answer]()

    assert state == "unconfirmed"
    assert desk.counts(campaign) == {"unconfirmed": 2}


def test_a_clear_no_without_earlier_doubt_counts(desk: Desk) -> None:
    campaign = desk.prepared(2)

    assert desk.ledger.batches.refused(desk.posting(campaign), cause="no such tariff") == "refused"
    assert desk.state(campaign) == "failed"


# Rule 3


@pytest.mark.parametrize("state", ["pending", "claimed", "cancelled", "expired", "refused", "unconfirmed"])
def test_a_late_campaign_id_is_recorded_whatever_the_state(desk: Desk, state: str) -> None:
    campaign = desk.prepared(2)
    lease = desk.unconfirmed(campaign)
    if state != "unconfirmed":
        desk.ledger.batches.resolve_not_sent(campaign, 0)
    if state == "claimed":
        desk.claimed(campaign, token="another")
    if state == "cancelled":
        desk.ledger.campaigns.cancel(campaign)
    if state == "expired":
        desk.pass_deadline(campaign)
        desk.ledger.campaigns.expire(campaign)
    if state == "refused":
        desk.ledger.batches.refused(desk.posting(campaign, token="another"), cause="422")
    assert desk.batch_state(lease) == state

    assert desk.taken(campaign, 0, 77) == "submitted"
    assert desk.counts(campaign) == {"submitted": 2}


def test_a_late_id_of_a_cancelled_campaign_is_stopped_at_bsg(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.posting(campaign)
    desk.ledger.campaigns.cancel(campaign)

    desk.taken(campaign, 0, 77)

    assert desk.ledger.rooms.take_due(Room.STOPS, account=ACCOUNT, at_most=9, put_off_ms=9) == ["77"]


def test_a_second_id_for_one_batch_is_recorded_stopped_and_an_alarm(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.submitted(campaign, 77)

    assert desk.taken(campaign, 0, 78) == "second"
    assert desk.taken(campaign, 0, 78) == "known"
    status = desk.ledger.reading.status(campaign)
    assert status is not None
    assert (status.batches[0].bsg_campaign_id, list(status.batches[0].other_bsg_campaign_ids)) == (77, [78])
    assert desk.ledger.rooms.take_due(Room.STOPS, account=ACCOUNT, at_most=9, put_off_ms=9) == ["78"]
    assert desk.client.hget("bsg:ledger", "alarms") == b"1"


def test_an_id_that_another_batch_owns_is_not_taken_for_this_one(desk: Desk) -> None:
    campaign = desk.prepared(2, 3)
    desk.submitted(campaign, 77)
    lease = desk.posting(campaign)

    assert desk.taken(campaign, lease.batch, 77) == "owned"
    assert desk.batch_state(lease) == "posting"


# Rule 6


def test_refused_rows_become_rejects_and_the_rest_waits_to_be_sent(desk: Desk) -> None:
    campaign = desk.prepared(3)
    lease = desk.posting(campaign)

    state = desk.ledger.batches.rows_refused(
        lease, cause="rows", rest=b"rest", rest_rows=[0, 2], rejects=[(1, json.dumps({"index": 1}))]
    )

    assert state == "pending"
    assert desk.counts(campaign) == {"pending": 2, "rejected": 1}
    assert desk.claimed(campaign).body == b"rest"
    assert desk.ledger.reading.rows(campaign, 0) == [0, 2]


def test_a_batch_of_which_every_row_is_refused_is_refused(desk: Desk) -> None:
    campaign = desk.prepared(1)

    state = desk.ledger.batches.rows_refused(
        desk.posting(campaign), cause="rows", rest=b"", rest_rows=[], rejects=[(0, json.dumps({"index": 0}))]
    )

    assert state == "refused"
    assert desk.counts(campaign) == {"rejected": 1}


# Rule 7


def test_an_intent_with_a_stale_lease_changes_nothing(desk: Desk) -> None:
    lease = desk.claimed(desk.prepared(2))
    desk.end_lease(lease)

    assert desk.intend(lease) == "stale"


def test_an_intent_with_another_holders_token_changes_nothing(desk: Desk) -> None:
    campaign = desk.prepared(2)
    stale = desk.claimed(campaign)
    desk.end_lease(stale)
    desk.ledger.batches.take_back(ACCOUNT, at_most=9)
    desk.claimed(campaign, token="another")

    assert desk.intend(stale) == "stale"
    assert desk.batch_state(stale) == "claimed"


def test_a_pause_after_the_claim_holds_the_batch(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.claimed(campaign)
    desk.ledger.campaigns.pause(campaign, paused=True)

    assert desk.intend(lease) == "pending"


def test_a_cancel_after_the_claim_ends_the_batch_unsent(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.claimed(campaign)
    desk.ledger.campaigns.cancel(campaign)

    assert desk.intend(lease) == "stale"
    assert desk.counts(campaign) == {"cancelled": 2}


def test_a_deadline_that_passes_after_the_claim_expires_the_batch(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.claimed(campaign)
    desk.pass_deadline(campaign)

    assert desk.intend(lease) == "expired"
    assert desk.state(campaign) == "expired"


def test_a_gate_shut_after_the_claim_holds_the_batch(desk: Desk) -> None:
    lease = desk.claimed(desk.prepared(2))
    desk.ledger.gate(ACCOUNT).shut(reason="operator", by="test")

    assert desk.intend(lease) == "pending"


def test_an_intent_of_another_account_is_not_written(desk: Desk) -> None:
    lease = desk.claimed(desk.prepared(2))

    assert desk.intend(lease, account="other") == "pending"


@pytest.mark.parametrize("record", ["not_taken", "refused", "doubtful"])
def test_whoever_holds_a_stale_lease_changes_nothing(desk: Desk, record: str) -> None:
    campaign = desk.prepared(2)
    stale = desk.posting(campaign)
    desk.end_lease(stale)
    desk.ledger.batches.take_back(ACCOUNT, at_most=9)
    before = desk.causes(campaign)

    state = {
        "not_taken": lambda: desk.ledger.batches.not_taken(stale, delay_ms=0, cause="429"),
        "refused": lambda: desk.ledger.batches.refused(stale, cause="422"),
        "doubtful": lambda: desk.doubtful(stale),
    }[record]()

    assert state == "stale"
    assert desk.causes(campaign) == before


# Rule 8 stands in every `counts`. Rule 9: a full Redis is told what happened.


def test_a_full_redis_still_records_what_happened(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.posting(campaign)
    before = desk.client.config_get("maxmemory")["maxmemory"]
    desk.client.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(Exception, match="OOM|maxmemory"):
            desk.client.set("something", "else")
        assert desk.taken(campaign, 0, 77) == "submitted"
    finally:
        desk.client.config_set("maxmemory", before)
    assert desk.batch_state(lease) == "submitted"


# Rule 10


def test_the_first_claim_stamps_the_campaign_and_other_accounts_leave_it_alone(desk: Desk) -> None:
    campaign = desk.prepared(2, 2)
    desk.claimed(campaign)

    other = desk.ledger.batches.claim(campaign, bell="", account="other", token="x", lease_ms=LEASE_MS)

    assert other == NotClaimed("foreign")


# Rule 11


def test_a_stop_is_due_again_until_it_is_answered(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.submitted(campaign, 77)
    desk.ledger.campaigns.cancel(campaign)

    first = desk.ledger.rooms.take_due(Room.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0)
    again = desk.ledger.rooms.take_due(Room.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0)
    desk.ledger.batches.stopped(ACCOUNT, 77, stopped=True)

    assert first == again == ["77"]
    assert desk.ledger.rooms.take_due(Room.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0) == []
    assert "stopped at BSG" in desk.causes(campaign)


# What operators do


def test_a_paused_campaign_is_not_claimed_until_it_is_resumed(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.ledger.campaigns.pause(campaign, paused=True)
    held = desk.ledger.batches.claim(campaign, bell="", account=ACCOUNT, token="x", lease_ms=LEASE_MS)
    desk.ledger.campaigns.pause(campaign, paused=False)

    assert held == NotClaimed("paused")
    assert desk.claimed(campaign).size == 2


def test_a_cancel_says_how_many_messages_had_gone(desk: Desk) -> None:
    campaign = desk.prepared(2, 3)
    desk.submitted(campaign)

    assert desk.ledger.campaigns.cancel(campaign) == (3, 2)
    assert desk.counts(campaign) == {"submitted": 2, "cancelled": 3}


def test_a_retry_sends_refused_batches_again(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.ledger.batches.refused(desk.posting(campaign), cause="no such tariff")

    assert desk.ledger.campaigns.retry(campaign, deadline_ms=None) == ("retried", 2)
    assert desk.claimed(campaign).size == 2


def test_a_retry_of_what_may_have_been_taken_looks_at_bsg_first(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.unconfirmed(campaign)
    desk.pass_deadline(campaign)
    assert desk.absent(lease, window_ms=HOUR_MS) == "expired"

    desk.ledger.campaigns.retry(campaign, deadline_ms=desk.ledger.rooms.now_ms() + HOUR_MS)

    assert desk.batch_state(lease) == "unconfirmed"


def test_a_cancelled_campaign_is_not_retried(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.ledger.campaigns.cancel(campaign)

    assert desk.ledger.campaigns.retry(campaign, deadline_ms=None) == ("cancelled", 0)


def test_a_retry_after_the_deadline_needs_a_new_one(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.pass_deadline(campaign)
    desk.ledger.campaigns.expire(campaign)

    assert desk.ledger.campaigns.retry(campaign, deadline_ms=None)[0] == "late"


def test_a_person_settles_a_doubt_as_not_sent(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.unconfirmed(campaign)

    assert desk.ledger.batches.resolve_not_sent(campaign, 0) == "pending"
    assert desk.posting(campaign).attempts == 1


# Fairness


def test_bells_and_leases_never_pass_the_campaigns_window(desk: Desk) -> None:
    campaign = desk.prepared(*[1] * 6, window=3)
    desk.claimed(campaign)

    first = desk.ledger.campaigns.ring(campaign, bell="a", patience_ms=HOUR_MS)
    second = desk.ledger.campaigns.ring(campaign, bell="b", patience_ms=HOUR_MS)

    assert (len(first.names), len(second.names)) == (2, 0)


def test_a_bell_that_nobody_answered_is_forgotten(desk: Desk) -> None:
    campaign = desk.prepared(1, 1, window=2)
    desk.ledger.campaigns.ring(campaign, bell="lost", patience_ms=HOUR_MS)
    for bell in desk.client.zrange(f"bsg:campaign:{campaign}:rung", 0, -1):
        desk.client.zadd(f"bsg:campaign:{campaign}:rung", {bell: 1})

    again = desk.ledger.campaigns.ring(campaign, bell="new", patience_ms=HOUR_MS)

    assert len(again.names) == 2


def test_a_doubtful_batch_takes_no_place_in_the_window(desk: Desk) -> None:
    campaign = desk.prepared(1, 1, window=1)
    desk.unconfirmed(campaign)

    assert len(desk.ledger.campaigns.ring(campaign, bell="a", patience_ms=HOUR_MS).names) == 1


# The gate


def test_doubtful_outcomes_in_a_row_shut_the_gate(desk: Desk) -> None:
    campaign = desk.prepared(1, 1)
    desk.doubtful(desk.posting(campaign), doubts_allowed=2)
    before = desk.ledger.gate(ACCOUNT).state().open

    desk.doubtful(desk.posting(campaign), doubts_allowed=2)

    assert before
    assert desk.ledger.gate(ACCOUNT).state().reason == "doubts"


def test_a_taken_batch_ends_the_row_of_doubts(desk: Desk) -> None:
    campaign = desk.prepared(1, 1, 1)
    desk.doubtful(desk.posting(campaign), doubts_allowed=2)
    desk.submitted(campaign)

    desk.doubtful(desk.posting(campaign), doubts_allowed=2)

    assert desk.ledger.gate(ACCOUNT).state().open


def test_a_batch_that_shuts_the_gate_twice_is_refused(desk: Desk) -> None:
    campaign = desk.prepared(1)
    states = []
    for _ in range(2):
        lease = desk.posting(campaign)
        states.append(
            desk.ledger.batches.account_closed(
                lease, account=ACCOUNT, reason="bad_key", cause="key refused", shuts_allowed=2
            )
        )
        desk.ledger.gate(ACCOUNT).open(reason="", by="probe")

    assert states == ["pending", "refused"]


def test_an_operators_word_stands_over_any_other_reason(desk: Desk) -> None:
    gate = desk.ledger.gate(ACCOUNT)
    gate.shut(reason="doubts", by="a batch")
    gate.shut(reason="operator", by="operator")
    gate.shut(reason="doubts", by="a batch")

    assert gate.state().reason == "operator"


# Polling and forgetting


def test_a_final_status_finishes_the_batch_and_the_campaign(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.submitted(campaign)

    assert desk.polled(lease, "sending", final=False) == "submitted"
    assert desk.polled(lease, "done", final=True) == "finished"
    assert desk.state(campaign) == "done"
    assert desk.causes(campaign)[-2:] == ["BSG: sending", "BSG: done"]


def test_an_unchanged_status_adds_no_event(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.submitted(campaign)
    desk.polled(lease, "sending", final=False)
    before = len(desk.causes(campaign))

    desk.polled(lease, "sending", final=False)

    assert len(desk.causes(campaign)) == before


def test_a_closed_campaign_forgets_its_bodies_and_then_everything(desk: Desk) -> None:
    campaign = desk.prepared(2)
    open_answer = desk.ledger.campaigns.forget(campaign, everything=False)
    desk.polled(desk.submitted(campaign), "done", final=True)

    bodies = desk.ledger.campaigns.forget(campaign, everything=False)
    body = desk.ledger.reading.body(campaign, 0)
    everything = desk.ledger.campaigns.forget(campaign, everything=True)

    assert (open_answer, bodies, body, everything) == (False, True, None, True)
    assert desk.ledger.reading.status(campaign) is None
    assert list(desk.client.scan_iter(f"bsg:campaign:{campaign}*")) == []


def test_dropped_messages_become_rejects_while_the_batch_stays(desk: Desk) -> None:
    campaign = desk.prepared(3)
    desk.submitted(campaign)

    def shrink() -> str:
        return desk.ledger.batches.shrink(
            campaign,
            0,
            state="submitted",
            size=3,
            rest=b"",
            rest_rows=[],
            cause="BSG left messages out",
            rejects=[(1, json.dumps({"index": 1}))],
        )

    assert (shrink(), shrink()) == ("shrunk", "stale")
    assert desk.counts(campaign) == {"submitted": 2, "rejected": 1}


# What the ledger has forgotten


def forgotten(desk: Desk) -> str:
    campaign = desk.prepared(1)
    desk.ledger.campaigns.cancel(campaign)
    assert desk.ledger.campaigns.forget(campaign, everything=True)
    return campaign


def test_an_id_that_turns_up_for_a_forgotten_campaign_is_an_alarm_and_brings_nothing_back(desk: Desk) -> None:
    campaign = forgotten(desk)
    before = set(desk.client.keys(f"*{campaign}*"))

    answer = desk.taken(campaign, 0, 77)

    assert answer == "gone"
    assert desk.ledger.rooms.take_due(Room.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0) == []
    assert desk.client.hget("bsg:ledger", "alarms") == b"1"
    assert set(desk.client.keys(f"*{campaign}*")) == before


def test_a_stop_that_is_answered_after_its_campaign_was_forgotten_brings_nothing_back(desk: Desk) -> None:
    campaign = desk.prepared(1)
    lease = desk.submitted(campaign, bsg_id=5)
    desk.taken(campaign, lease.batch, 6)
    desk.polled(lease, "done", final=True)
    desk.ledger.campaigns.forget(campaign, everything=True)

    desk.ledger.batches.stopped(ACCOUNT, 6, stopped=True)

    assert desk.client.keys(f"*{campaign}*") == []
    assert desk.client.hgetall(f"bsg:account:{ACCOUNT}:owners") == {}
    assert desk.ledger.rooms.take_due(Room.STOPS, account=ACCOUNT, at_most=9, put_off_ms=0) == []


def test_a_lease_whose_batch_is_gone_keeps_no_other_from_being_taken_back(desk: Desk) -> None:
    lease = desk.claimed(desk.prepared(1))
    desk.end_lease(lease)
    desk.client.zadd(f"bsg:account:{ACCOUNT}:leases", {"gone-0": 1})

    desk.ledger.batches.take_back(ACCOUNT, at_most=10)

    assert desk.batch_state(lease) == "pending"
    assert desk.client.zcard(f"bsg:account:{ACCOUNT}:leases") == 0
    assert desk.client.keys("*gone*") == []


def test_a_retry_of_a_part_whose_messages_were_forgotten_says_so(desk: Desk) -> None:
    campaign = desk.accepted(3)
    desk.pass_deadline(campaign)
    desk.ledger.campaigns.expire(campaign)
    desk.ledger.campaigns.forget(campaign, everything=False)

    answer = desk.ledger.campaigns.retry(campaign, deadline_ms=desk.ledger.rooms.now_ms() + HOUR_MS)

    assert answer == ("forgotten", 0)
