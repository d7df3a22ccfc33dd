"""What arrived is compared exactly: each way of losing, doubling or misreporting a message is noticed."""

from __future__ import annotations

import pytest

from bsg_messages.campaign_ids import new_campaign_id
from bsg_messages.reference_ids import generated_ids
from bsg_messages.rejects import RejectCode
from bsg_producer import Reject
from bsg_sandbox.record import Arrival
from tests.load.campaigns import BAD_ROW_EVERY, LoadCampaign, SizeClass
from tests.load.checker import Checker, CheckResult

ID = new_campaign_id()
CAMPAIGN = LoadCampaign(0, SizeClass.LARGE, BAD_ROW_EVERY + 3, starts_at=0.0, templated=False, tried_twice=False)
BAD = BAD_ROW_EVERY - 1
GOOD = [index for index in range(CAMPAIGN.size) if index != BAD]


def arrival(indexes: list[int], *, campaign_id: str = ID) -> Arrival:
    ids = generated_ids(campaign_id, 0, CAMPAIGN.size)
    return Arrival(1, 0.0, [CAMPAIGN.phone(index) for index in indexes], [ids[index] for index in indexes])


def reject(index: int) -> Reject:
    return Reject(index, "12", "", "phone", RejectCode.INVALID_PHONE, "too short")


def check_arrivals(
    *arrivals: Arrival,
    rejected: tuple[int, ...] = (BAD,),
    receipts: tuple[str, ...] = (ID,),
    known: tuple[str, ...] = (ID,),
) -> CheckResult:
    checker = Checker([CAMPAIGN], {0: set(receipts)}, [(CAMPAIGN.key, campaign_id) for campaign_id in known])
    for each in arrivals:
        checker.arrived(each)
    checker.rejected(CAMPAIGN, map(reject, rejected))
    return checker.result()


def test_every_message_once_and_the_bad_one_rejected_is_the_promise() -> None:
    found = check_arrivals(arrival(GOOD[:500]), arrival(GOOD[500:]))

    assert found.proves_the_promise
    assert found.arrived == len(GOOD)
    assert found.rejected_because == {"invalid_phone": 1}


def test_what_neither_arrived_nor_was_rejected_is_lost() -> None:
    assert check_arrivals(arrival(GOOD[1:])).lost == 1
    assert check_arrivals(arrival(GOOD), rejected=()).lost == 1


def test_what_arrived_again_is_doubled() -> None:
    found = check_arrivals(arrival(GOOD), arrival(GOOD[:3]))

    assert (found.doubled, found.lost) == (3, 0)


def test_a_loss_and_a_double_do_not_make_up_for_each_other() -> None:
    found = check_arrivals(arrival([*GOOD[1:], GOOD[1]]))

    assert (found.doubled, found.lost) == (1, 1)


@pytest.mark.parametrize(
    ("arrivals", "rejected"),
    [
        pytest.param([arrival(GOOD)], (BAD, 0), id="sent and called rejected"),
        pytest.param([arrival(GOOD[1:])], (BAD, 0), id="a good message rejected"),
        pytest.param([arrival(GOOD[1:]), arrival([0], campaign_id=new_campaign_id())], (BAD,), id="another's id"),
    ],
)
def test_what_the_ledger_says_wrongly_is_misreported(arrivals: list[Arrival], rejected: tuple[int, ...]) -> None:
    found = check_arrivals(*arrivals, rejected=rejected)

    assert found.misreported == 1
    assert not found.proves_the_promise


def test_what_no_campaign_has_is_unknown() -> None:
    assert check_arrivals(arrival(GOOD), arrival([CAMPAIGN.size - 1]), rejected=(BAD,)).doubled == 1
    foreign = Arrival(2, 0.0, [CAMPAIGN.phone(CAMPAIGN.size)], [None])
    assert check_arrivals(arrival(GOOD), foreign).unknown == 1


def test_a_key_that_made_two_campaigns_and_a_campaign_without_a_receipt_are_wrong() -> None:
    other = new_campaign_id()

    assert check_arrivals(arrival(GOOD), receipts=(ID, other)).campaigns_wrong >= 1
    assert check_arrivals(arrival(GOOD), known=(ID, other)).campaigns_wrong == 1
    assert check_arrivals(arrival(GOOD), known=()).campaigns_wrong == 1
