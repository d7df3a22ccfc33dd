"""A ledger that went back to an older copy: who notices, and what is held then."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.batches import BatchLease, NotClaimed
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.gate import GateReason
from bsg_ledger.rollback_detector import RollbackDetector
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, LEASE_MS, Desk


def copied(desk: Desk) -> Mapping[bytes, bytes]:
    """All that Redis holds."""
    return {key: desk.client.dump(key) for key in desk.client.scan_iter()}


def restore(desk: Desk, copy: Mapping[bytes, bytes]) -> None:
    desk.client.flushall()
    for key, value in copy.items():
        desk.client.restore(key, 0, value)


def detector_of(desk: Desk) -> RollbackDetector:
    """A process that has seen all that there is."""
    rollback_detector = desk.ledger.rollback_detector([ACCOUNT])
    assert not rollback_detector.check().went_back
    return rollback_detector


def intend(desk: Desk, lease: BatchLease, rollback_detector: RollbackDetector) -> str:
    return desk.ledger.batches.intend(
        lease, account=ACCOUNT, lease_ms=LEASE_MS, duplicate_window_ms=0, detector=rollback_detector
    )


def gate_reason(desk: Desk) -> str:
    gate = desk.ledger.gate(ACCOUNT).state()
    return "" if gate.open else gate.reason


# Who notices


def test_a_process_that_saw_nothing_suspects_nothing(desk: Desk) -> None:
    before_the_first_campaign = detector_of(desk)
    desk.prepared(2)

    assert not before_the_first_campaign.check().went_back
    assert not desk.ledger.rollback_detector([ACCOUNT]).check().went_back
    assert gate_reason(desk) == ""


def test_a_ledger_that_is_restored_as_it_was_seen_is_no_older_one(desk: Desk) -> None:
    desk.prepared(2)
    rollback_detector = detector_of(desk)
    restore(desk, copied(desk))

    assert not rollback_detector.check().went_back


def test_an_older_ledger_shuts_the_gate(desk: Desk) -> None:
    campaign = desk.prepared(2)
    copy = copied(desk)
    desk.claimed(campaign)
    rollback_detector = detector_of(desk)
    restore(desk, copy)

    check = rollback_detector.check()

    assert (check.went_back, check.other_ledger) == (True, False)
    assert check.sequence < check.seen
    assert gate_reason(desk) == GateReason.LEDGER_WENT_BACK


def test_an_older_ledger_is_noticed_though_it_has_counted_further_meanwhile(desk: Desk) -> None:
    desk.accepted(2)
    copy = copied(desk)
    desk.accepted(2)
    rollback_detector = detector_of(desk)
    restore(desk, copy)
    desk.prepared(2, 2, 2)

    check = rollback_detector.check()

    assert check.sequence > check.seen
    assert check.went_back


def test_an_emptied_redis_is_another_ledger(desk: Desk) -> None:
    desk.prepared(2)
    rollback_detector = detector_of(desk)
    desk.client.flushall()
    desk.accepted(2, incarnation="another")

    check = rollback_detector.check()

    assert (check.went_back, check.other_ledger) == (True, True)


def test_a_process_notices_once(desk: Desk) -> None:
    campaign = desk.prepared(2)
    copy = copied(desk)
    desk.claimed(campaign)
    rollback_detector = detector_of(desk)
    restore(desk, copy)
    rollback_detector.check()
    desk.ledger.gate(ACCOUNT).open(reason="", by="operator")

    assert not rollback_detector.check().went_back
    assert gate_reason(desk) == ""


def test_whoever_sent_a_batch_does_not_send_it_again_from_an_older_ledger(desk: Desk) -> None:
    campaign = desk.prepared(2)
    copy = copied(desk)
    rollback_detector = detector_of(desk)
    assert intend(desk, desk.claimed(campaign), rollback_detector) == "posting"
    restore(desk, copy)

    assert intend(desk, desk.claimed(campaign), rollback_detector) == "pending"
    assert gate_reason(desk) == GateReason.LEDGER_WENT_BACK


def test_an_older_ledger_shuts_the_gates_of_all_accounts_of_the_process(desk: Desk) -> None:
    campaign = desk.prepared(2)
    copy = copied(desk)
    rollback_detector = desk.ledger.rollback_detector([ACCOUNT, "other"])
    assert not rollback_detector.check().went_back
    assert intend(desk, desk.claimed(campaign), rollback_detector) == "posting"
    restore(desk, copy)

    assert rollback_detector.check().went_back

    assert {desk.ledger.gate(account).state().reason for account in (ACCOUNT, "other")} == {GateReason.LEDGER_WENT_BACK}


def test_a_process_that_sends_batch_after_batch_suspects_nothing(desk: Desk) -> None:
    campaign = desk.prepared(2, 2)
    rollback_detector = detector_of(desk)

    assert [intend(desk, desk.claimed(campaign), rollback_detector) for _ in range(2)] == ["posting", "posting"]


def test_what_was_sent_since_the_last_look_is_not_sent_again_from_an_older_ledger(desk: Desk) -> None:
    campaign = desk.prepared(2)
    rollback_detector = detector_of(desk)
    copy = copied(desk)
    assert intend(desk, desk.claimed(campaign), rollback_detector) == "posting"
    restore(desk, copy)

    assert intend(desk, desk.claimed(campaign), rollback_detector) == "pending"
    assert gate_reason(desk) == GateReason.LEDGER_WENT_BACK


def test_marks_of_processes_that_are_gone_vanish_and_those_of_the_living_stay(desk: Desk) -> None:
    desk.prepared(2)
    rollback_detector = detector_of(desk)
    key = f"bsg:rollback-detector:{rollback_detector.name}"
    month = desk.client.pttl(key)
    desk.client.pexpire(key, HOUR_MS)

    assert not rollback_detector.check().went_back
    assert desk.client.pttl(key) > month - HOUR_MS


# What opens the gate


def test_no_probe_opens_the_gate_of_a_ledger_that_went_back(desk: Desk) -> None:
    gate = desk.ledger.gate(ACCOUNT)
    gate.shut(reason=GateReason.DOUBTS, by="test")
    gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="test")

    assert gate.reopen(by="probe") == "shut"
    assert gate_reason(desk) == GateReason.LEDGER_WENT_BACK


def test_a_probe_opens_what_needs_no_operator(desk: Desk) -> None:
    gate = desk.ledger.gate(ACCOUNT)
    gate.shut(reason=GateReason.BAD_KEY, by="test")

    assert gate.reopen(by="probe") == "open"
    assert gate_reason(desk) == ""


@pytest.mark.parametrize("first", [GateReason.OPERATOR, GateReason.LEDGER_WENT_BACK])
def test_an_operators_word_comes_back_once_the_ledger_is_recovered(desk: Desk, first: GateReason) -> None:
    gate = desk.ledger.gate(ACCOUNT)
    second = ({GateReason.OPERATOR, GateReason.LEDGER_WENT_BACK} - {first}).pop()
    gate.shut(reason=first, by="test")
    gate.shut(reason=second, by="test")
    assert gate_reason(desk) == GateReason.LEDGER_WENT_BACK

    assert not gate.open_recovered(by="test")
    assert gate_reason(desk) == GateReason.OPERATOR


def test_a_recovered_ledger_opens_nothing_that_was_shut_for_another_reason(desk: Desk) -> None:
    gate = desk.ledger.gate(ACCOUNT)
    gate.shut(reason=GateReason.NO_FUNDS, by="test")

    assert not gate.open_recovered(by="test")
    assert gate_reason(desk) == GateReason.NO_FUNDS


def test_a_persons_word_opens_whatever_shut_it(desk: Desk) -> None:
    gate = desk.ledger.gate(ACCOUNT)
    gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="test")
    gate.shut(reason=GateReason.OPERATOR, by="test")
    gate.open(reason="", by="operator")

    gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="test")

    assert gate.open_recovered(by="test")


# What becomes of batches


def test_a_waiting_batch_of_which_bsg_has_a_trace_is_in_doubt(desk: Desk) -> None:
    campaign = desk.prepared(2)

    state = desk.ledger.batches.mark_in_doubt(campaign, 0, attempts=0, account=ACCOUNT, cause="a trace")

    assert state == "unconfirmed"
    assert desk.counts(campaign) == {"unconfirmed": 2}
    (record,) = desk.ledger.reading.batch_records([f"{campaign}-0"])
    assert record.first_intent_ms == record.accepted_ms > 0
    assert record.account == ACCOUNT
    desk.client.zadd(f"bsg:account:{ACCOUNT}:doubt", {f"{campaign}-0": 1})
    due = desk.ledger.due_indexes.take_due(DueIndex.DOUBT, account=ACCOUNT, at_most=9, put_off_ms=1000)
    assert due == [f"{campaign}-0"]


def test_a_batch_that_has_moved_on_is_not_put_in_doubt(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.claimed(campaign)

    assert desk.ledger.batches.mark_in_doubt(campaign, 0, attempts=0, account=ACCOUNT, cause="a trace") == "stale"
    assert desk.counts(campaign) == {"claimed": 2}


def test_a_trace_of_an_earlier_attempt_says_nothing_of_a_later_one(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.ledger.batches.not_taken(desk.posting(campaign), delay_ms=0, cause="429")

    assert desk.ledger.batches.mark_in_doubt(campaign, 0, attempts=0, account=ACCOUNT, cause="a trace") == "stale"


def test_what_bsg_took_of_a_campaign_that_nobody_has_claimed_yet_assigns_it(desk: Desk) -> None:
    campaign = desk.prepared(2, 2)

    assert desk.taken(campaign, 0, 7) == "submitted"

    by_another = desk.ledger.batches.claim(
        campaign, bell="", account="other", account_name=DEFAULT_ACCOUNT, token="token", lease_ms=LEASE_MS
    )
    assert by_another == NotClaimed("foreign")
    assert desk.client.zrange(f"bsg:account:{ACCOUNT}:live", 0, -1) == [f"{campaign}-0".encode()]
    assert desk.claimed(campaign).batch == 1


def test_what_bsg_took_of_a_campaign_that_the_ledger_lost_changes_nothing(desk: Desk) -> None:
    desk.accepted(2)
    before = copied(desk)

    assert desk.taken("a-campaign-that-is-lost", 0, 7) == "gone"
    assert copied(desk).keys() == before.keys()
