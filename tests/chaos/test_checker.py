"""The checker finds what it is there for: every way in which the promise could be broken is shown to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bsg_ledger.batch_id import BatchId
from bsg_ledger.records import Batch, CampaignStatus, Transition
from bsg_ledger.states import BatchState, CampaignState
from tests.chaos.accounts import Account, Record
from tests.chaos.campaigns import BAD_ROW_EVERY, ChaosCampaign
from tests.chaos.checker import judge
from tests.chaos.findings import CheckResult, Fault
from tests.chaos.journal import Enqueued
from tests.chaos.stops import TimeToStop

SIZE = BAD_ROW_EVERY  # the last message is a bad one
BAD = SIZE - 1
CAMPAIGN = replace(ChaosCampaign.drawn(1, 0, 0), size=SIZE)
RECEIVED = Enqueued(0, receipt="c", certain_that_none=False)


def account(records: dict[int, Record], campaign_id: str = "c", **changed: int) -> Account:
    counts = Counter(record.state for record in records.values())
    return Account(campaign_id, CAMPAIGN.key, {"accepted": SIZE, **counts, **changed}, records)


def all_sent() -> dict[int, Record]:
    return {index: Record("finished", "c-0") for index in range(BAD)} | {BAD: Record("rejected", "", "bad phone")}


def once() -> dict[int, int]:
    return {CAMPAIGN.phone(index): 1 for index in range(BAD)}


def judged(records: dict[int, Record], arrivals: dict[int, int]) -> CheckResult:
    return judge([(CAMPAIGN, RECEIVED)], {CAMPAIGN.key: [account(records)]}, arrivals, TimeToStop())


def faults(result: CheckResult) -> list[Fault]:
    return [finding.fault for finding in result.findings]


def test_all_that_was_accepted_arrived_once_or_was_rejected() -> None:
    result = judged(all_sent(), once())

    assert result.proves_the_promise
    assert result.messages == SIZE
    assert result.by_state == {"finished": BAD, "rejected": 1}
    assert result.rejected_because == {"bad phone": 1}


def test_a_run_without_a_message_proves_nothing() -> None:
    assert not judge([], {}, {}, TimeToStop()).proves_the_promise


def test_finished_without_arriving_is_lost() -> None:
    result = judged(all_sent(), once() | {CAMPAIGN.phone(3): 0})

    assert faults(result) == [Fault.LOST]
    assert (result.findings[0].phone, result.findings[0].batch) == (CAMPAIGN.phone(3), "c-0")


def test_nowhere_in_the_ledger_is_lost() -> None:
    records = all_sent()
    del records[3]

    assert faults(judged(records, once() | {CAMPAIGN.phone(3): 0})) == [Fault.LOST]


def test_arrived_twice_is_doubled_whatever_the_ledger_says() -> None:
    assert faults(judged(all_sent(), once() | {CAMPAIGN.phone(3): 2})) == [Fault.DOUBLED]


@pytest.mark.parametrize("state", ["rejected", "refused", "cancelled", "expired"])
def test_resolved_as_not_sent_and_arrived_is_misreported(state: str) -> None:
    records = all_sent() | {3: Record(state, "c-0", "for a reason")}

    assert faults(judged(records, once())) == [Fault.MISREPORTED]
    assert faults(judged(records, once() | {CAMPAIGN.phone(3): 0})) == []


def test_not_sent_for_no_reason_is_misreported() -> None:
    records = all_sent() | {3: Record("expired", "c-0", "")}

    assert faults(judged(records, once() | {CAMPAIGN.phone(3): 0})) == [Fault.MISREPORTED]


def test_a_bad_message_that_was_sent_is_misreported() -> None:
    assert faults(judged(all_sent() | {BAD: Record("finished", "c-0")}, once())) == [Fault.MISREPORTED]


@pytest.mark.parametrize("arrived", [0, 1])
def test_not_final_is_in_doubt(arrived: int) -> None:
    records = all_sent() | {3: Record("unconfirmed", "c-0", "needs_operator")}

    assert faults(judged(records, once() | {CAMPAIGN.phone(3): arrived})) == [Fault.IN_DOUBT]


def test_counts_that_differ_from_the_messages_are_misreported() -> None:
    wrong = account(all_sent(), pending=1)

    assert faults(judge([(CAMPAIGN, RECEIVED)], {CAMPAIGN.key: [wrong]}, once(), TimeToStop())) == [Fault.MISREPORTED]


def test_an_arrival_of_no_campaign_is_found() -> None:
    assert faults(judged(all_sent(), once() | {380_999: 1})) == [Fault.UNKNOWN]


def test_a_key_that_became_two_campaigns_is_doubled() -> None:
    both = [account(all_sent()), account(all_sent(), "d")]

    assert faults(judge([(CAMPAIGN, RECEIVED)], {CAMPAIGN.key: both}, once(), TimeToStop())) == [Fault.DOUBLED]


def test_a_receipt_of_a_campaign_that_the_ledger_does_not_have_is_a_loss() -> None:
    assert faults(judge([(CAMPAIGN, RECEIVED)], {}, {}, TimeToStop())) == [Fault.LOST]


def test_a_campaign_given_up_may_exist_wholly_or_not_at_all() -> None:
    given_up = Enqueued(0, given_up=True, certain_that_none=False)

    assert faults(judge([(CAMPAIGN, given_up)], {}, {}, TimeToStop())) == []
    assert faults(judge([(CAMPAIGN, given_up)], {CAMPAIGN.key: [account(all_sent())]}, once(), TimeToStop())) == []
    assert faults(judge([(CAMPAIGN, given_up)], {}, {CAMPAIGN.phone(3): 1}, TimeToStop())) == [Fault.UNKNOWN]


def test_a_campaign_that_was_reported_not_to_exist_must_not() -> None:
    enqueued = Enqueued(0, given_up=True, certain_that_none=True)

    assert faults(judge([(CAMPAIGN, enqueued)], {}, {}, TimeToStop())) == []
    assert faults(judge([(CAMPAIGN, enqueued)], {CAMPAIGN.key: [account(all_sent())]}, once(), TimeToStop())) == [
        Fault.MISREPORTED
    ]


def test_what_enqueue_never_promised_to_raise_is_a_finding() -> None:
    failed = Enqueued(0, given_up=True, certain_that_none=False, failure="TypeError: …")

    assert faults(judge([(CAMPAIGN, failed)], {}, {}, TimeToStop())) == [Fault.MISREPORTED]


def sent_though_cancelled(
    *,
    seconds_to_obey: int,
    bsg_status: str,
    inactive: int = 0,
    from_state: str = "running",
    to_state: str = "cancelling",
) -> CheckResult:
    cancelled_at = datetime(2026, 11, 1, tzinfo=UTC)
    status = CampaignStatus(
        campaign_id="c",
        name=CAMPAIGN.key,
        state=CampaignState.CANCELLED,
        paused=False,
        cancelled=True,
        counts={},
        batches=[Batch(BatchId("c-0"), BatchState.FINISHED, BAD, 7, bsg_status, 1, None, {}, None)],
        transitions=[
            Transition("c", cancelled_at, "", from_state, to_state, "operator", "", "1"),
            Transition("c", cancelled_at - timedelta(seconds=5), "c-0", "posting", "submitted", "taken", "7", "0"),
        ],
        accepted_at=cancelled_at,
        deadline=cancelled_at,
        account_name="default",
        account=None,
    )
    known = replace(account(all_sent()), status=status)
    sends_at = cancelled_at + timedelta(seconds=seconds_to_obey)
    active = range(int(cancelled_at.timestamp()) + inactive, int(sends_at.timestamp()))
    return judge([(CAMPAIGN, RECEIVED)], {CAMPAIGN.key: [known]}, once(), TimeToStop({7: sends_at}, active))


def test_sent_after_a_cancel_that_bsg_could_have_obeyed_is_found() -> None:
    assert faults(sent_though_cancelled(seconds_to_obey=30, bsg_status="done")) == [Fault.SENT_AFTER_CANCEL]


@pytest.mark.parametrize(("seconds_to_obey", "bsg_status"), [(10, "done"), (30, "stopped")])
def test_a_cancel_that_bsg_obeyed_or_that_came_too_late_is_no_finding(seconds_to_obey: int, bsg_status: str) -> None:
    assert faults(sent_though_cancelled(seconds_to_obey=seconds_to_obey, bsg_status=bsg_status)) == []


def test_a_campaign_that_had_ended_when_it_was_cancelled_is_judged_by_its_end() -> None:
    late = sent_though_cancelled(seconds_to_obey=10, bsg_status="done", from_state="failed", to_state="cancelled")

    assert faults(late) == []


def test_what_was_sent_while_no_status_worker_reached_bsg_is_no_finding() -> None:
    assert faults(sent_though_cancelled(seconds_to_obey=40, bsg_status="done", inactive=20)) == []
