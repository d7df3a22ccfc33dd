"""A ledger that went back to an older copy: who notices, and what is held then."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.gate import GateReason
from bsg_ledger.rollback_detector import RollbackDetector
from bsg_ledger.times import BEGINNING
from bsg_ledger.work import GateShut, Nothing, Send
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, LedgerHarness


def copied(ledger_harness: LedgerHarness) -> Mapping[bytes, bytes]:
    """Return all that Redis holds."""
    return {key: ledger_harness.client.dump(key) for key in ledger_harness.client.scan_iter()}


def restore(ledger_harness: LedgerHarness, copy: Mapping[bytes, bytes]) -> None:
    ledger_harness.client.flushall()
    for key, value in copy.items():
        ledger_harness.client.restore(key, 0, value)


def detector_of(ledger_harness: LedgerHarness) -> RollbackDetector:
    """Return a process that has seen all that there is."""
    detector = ledger_harness.ledger.rollback_detector([ACCOUNT])
    assert not detector.check().went_back
    return detector


def dispatched(ledger_harness: LedgerHarness, detector: RollbackDetector) -> type:
    return type(ledger_harness.next(detector=detector))


def gate_reason(ledger_harness: LedgerHarness) -> str:
    gate = ledger_harness.ledger.gate(ACCOUNT).state()
    return "" if gate.open else gate.reason


# Who notices


def test_a_process_that_saw_nothing_suspects_nothing(ledger_harness: LedgerHarness) -> None:
    before_the_first_campaign = detector_of(ledger_harness)
    ledger_harness.prepared(2)

    assert not before_the_first_campaign.check().went_back
    assert not ledger_harness.ledger.rollback_detector([ACCOUNT]).check().went_back
    assert gate_reason(ledger_harness) == ""


def test_a_ledger_that_is_restored_as_it_was_seen_is_no_older_one(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(2)
    detector = detector_of(ledger_harness)
    restore(ledger_harness, copied(ledger_harness))

    assert not detector.check().went_back


def test_an_older_ledger_shuts_the_gate(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    copy = copied(ledger_harness)
    ledger_harness.posting(campaign)
    detector = detector_of(ledger_harness)
    restore(ledger_harness, copy)

    check = detector.check()

    assert (check.went_back, check.other_ledger) == (True, False)
    assert check.sequence < check.seen
    assert gate_reason(ledger_harness) == GateReason.LEDGER_WENT_BACK


def test_an_older_ledger_is_noticed_though_it_has_counted_further_meanwhile(ledger_harness: LedgerHarness) -> None:
    ledger_harness.accepted(2)
    copy = copied(ledger_harness)
    ledger_harness.accepted(2)
    detector = detector_of(ledger_harness)
    restore(ledger_harness, copy)
    ledger_harness.prepared(2, 2, 2)

    check = detector.check()

    assert check.sequence > check.seen
    assert check.went_back


def test_an_emptied_redis_is_another_ledger(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(2)
    detector = detector_of(ledger_harness)
    ledger_harness.client.flushall()
    ledger_harness.accepted(2, incarnation="another")

    check = detector.check()

    assert (check.went_back, check.other_ledger) == (True, True)


def test_a_process_notices_once(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    copy = copied(ledger_harness)
    ledger_harness.posting(campaign)
    detector = detector_of(ledger_harness)
    restore(ledger_harness, copy)
    detector.check()
    ledger_harness.ledger.gate(ACCOUNT).open(reason="", by="operator")

    assert not detector.check().went_back
    assert gate_reason(ledger_harness) == ""


def test_whoever_sent_a_batch_does_not_send_it_again_from_an_older_ledger(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(2)
    copy = copied(ledger_harness)
    detector = detector_of(ledger_harness)
    assert dispatched(ledger_harness, detector) is Send
    restore(ledger_harness, copy)

    assert dispatched(ledger_harness, detector) is GateShut
    assert gate_reason(ledger_harness) == GateReason.LEDGER_WENT_BACK


def test_an_older_ledger_shuts_the_gates_of_all_accounts_of_the_process(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(2)
    copy = copied(ledger_harness)
    detector = ledger_harness.ledger.rollback_detector([ACCOUNT, "other"])
    assert not detector.check().went_back
    assert dispatched(ledger_harness, detector) is Send
    restore(ledger_harness, copy)

    assert detector.check().went_back

    assert {ledger_harness.ledger.gate(account).state().reason for account in (ACCOUNT, "other")} == {
        GateReason.LEDGER_WENT_BACK
    }


def test_a_process_that_sends_batch_after_batch_suspects_nothing(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(2, 2)
    detector = detector_of(ledger_harness)

    assert [dispatched(ledger_harness, detector) for _ in range(2)] == [Send, Send]


def test_what_was_sent_since_the_last_look_is_not_sent_again_from_an_older_ledger(
    ledger_harness: LedgerHarness,
) -> None:
    ledger_harness.prepared(2)
    detector = detector_of(ledger_harness)
    copy = copied(ledger_harness)
    assert dispatched(ledger_harness, detector) is Send
    restore(ledger_harness, copy)

    assert dispatched(ledger_harness, detector) is GateShut
    assert gate_reason(ledger_harness) == GateReason.LEDGER_WENT_BACK


def test_marks_of_processes_that_are_gone_vanish_and_those_of_the_living_stay(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(2)
    detector = detector_of(ledger_harness)
    key = f"bsg:rollback-detector:{detector.name}"
    month = ledger_harness.client.pttl(key)
    ledger_harness.client.pexpire(key, HOUR_MS)

    assert not detector.check().went_back
    assert ledger_harness.client.pttl(key) > month - HOUR_MS


# What opens the gate


def test_no_probe_opens_the_gate_of_a_ledger_that_went_back(ledger_harness: LedgerHarness) -> None:
    gate = ledger_harness.ledger.gate(ACCOUNT)
    gate.shut(reason=GateReason.DOUBTS, by="test")
    gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="test")

    assert gate.reopen(by="probe") == "shut"
    assert gate_reason(ledger_harness) == GateReason.LEDGER_WENT_BACK


def test_a_probe_opens_what_needs_no_operator(ledger_harness: LedgerHarness) -> None:
    gate = ledger_harness.ledger.gate(ACCOUNT)
    gate.shut(reason=GateReason.BAD_KEY, by="test")

    assert gate.reopen(by="probe") == "open"
    assert gate_reason(ledger_harness) == ""


@pytest.mark.parametrize("first", [GateReason.OPERATOR, GateReason.LEDGER_WENT_BACK])
def test_an_operators_word_comes_back_once_the_ledger_is_recovered(
    ledger_harness: LedgerHarness, first: GateReason
) -> None:
    gate = ledger_harness.ledger.gate(ACCOUNT)
    second = ({GateReason.OPERATOR, GateReason.LEDGER_WENT_BACK} - {first}).pop()
    gate.shut(reason=first, by="test")
    gate.shut(reason=second, by="test")
    assert gate_reason(ledger_harness) == GateReason.LEDGER_WENT_BACK

    assert not gate.open_recovered(by="test")
    assert gate_reason(ledger_harness) == GateReason.OPERATOR


def test_a_recovered_ledger_opens_nothing_that_was_shut_for_another_reason(ledger_harness: LedgerHarness) -> None:
    gate = ledger_harness.ledger.gate(ACCOUNT)
    gate.shut(reason=GateReason.NO_FUNDS, by="test")

    assert not gate.open_recovered(by="test")
    assert gate_reason(ledger_harness) == GateReason.NO_FUNDS


def test_an_operators_decision_opens_whatever_shut_it(ledger_harness: LedgerHarness) -> None:
    gate = ledger_harness.ledger.gate(ACCOUNT)
    gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="test")
    gate.shut(reason=GateReason.OPERATOR, by="test")
    gate.open(reason="", by="operator")

    gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="test")

    assert gate.open_recovered(by="test")


# What becomes of batches


def test_a_waiting_batch_of_which_bsg_has_a_trace_is_in_doubt(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)

    state = ledger_harness.ledger.batches.mark_in_doubt(
        BatchId.of(campaign, 0), attempts=0, account=ACCOUNT, cause="a trace"
    )

    assert state == "unconfirmed"
    assert ledger_harness.counts(campaign) == {"unconfirmed": 2}
    (record,) = ledger_harness.ledger.reading.batch_records([BatchId.of(campaign, 0)])
    assert record.first_intent_at == record.accepted_at > BEGINNING
    assert record.account == ACCOUNT
    ledger_harness.client.zadd(f"bsg:account:{ACCOUNT}:doubt", {f"{campaign}-0": 1})
    due = ledger_harness.ledger.due_indexes.take_due(DueIndex.DOUBT, account=ACCOUNT, at_most=9, put_off_ms=1000)
    assert due == [f"{campaign}-0"]


def test_a_batch_that_has_moved_on_is_not_put_in_doubt(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.posting(campaign)

    assert (
        ledger_harness.ledger.batches.mark_in_doubt(
            BatchId.of(campaign, 0), attempts=1, account=ACCOUNT, cause="a trace"
        )
        == "stale"
    )
    assert ledger_harness.counts(campaign) == {"posting": 2}


def test_a_trace_of_an_earlier_attempt_says_nothing_of_a_later_one(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.batches.not_taken(ledger_harness.posting(campaign), delay_ms=0, cause="429")

    assert (
        ledger_harness.ledger.batches.mark_in_doubt(
            BatchId.of(campaign, 0), attempts=0, account=ACCOUNT, cause="a trace"
        )
        == "stale"
    )


def test_what_bsg_took_of_a_campaign_without_an_account_assigns_it(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2, 2)

    assert ledger_harness.taken(campaign, 0, 7) == "submitted"

    assert ledger_harness.next(account="other") == Nothing()
    assert ledger_harness.client.zrange(f"bsg:account:{ACCOUNT}:live", 0, -1) == [f"{campaign}-0".encode()]
    assert ledger_harness.posting(campaign).batch.number == 1


def test_what_bsg_took_of_a_campaign_that_the_ledger_lost_changes_nothing(ledger_harness: LedgerHarness) -> None:
    ledger_harness.accepted(2)
    before = copied(ledger_harness)

    assert ledger_harness.taken("a-campaign-that-is-lost", 0, 7) == "gone"
    assert copied(ledger_harness).keys() == before.keys()
