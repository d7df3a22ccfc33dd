"""The checker of streams finds each way in which the promise to one message could be broken, if that is shown to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from bsg_messages.reference_ids import generated_ids
from tests.chaos.accounts import Account, Record
from tests.chaos.checker import judge
from tests.chaos.findings import CheckResult, Fault
from tests.chaos.journal import Enqueued, Entry, Word, enqueued
from tests.chaos.messages import ChaosMessage
from tests.chaos.stops import TimeToStop
from tests.chaos.stream_checker import StreamSends

CAMPAIGN = "0123456789ABCDEFGHIJkl"
FIRST, SECOND = (ChaosMessage(2, number, "codes") for number in (1, 2))
BAD = replace(FIRST, number=3, is_bad=True)
FIRST_ID, SECOND_ID = generated_ids(CAMPAIGN, 0, 2)
FIRST_PLACE, SECOND_PLACE = (CAMPAIGN, 0), (CAMPAIGN, 1)
SENT = Record("finished", f"{CAMPAIGN}-0")


def tried(*words: Word, receipt: str = "") -> Enqueued:
    return enqueued([Entry(0, word, receipt if word == "receipt" else "") for word in words])[0]


def received(message_id: str) -> Enqueued:
    return tried("trying", "receipt", receipt=message_id)


def account(records: dict[int, Record], accepted: int = 2, **changed: int) -> Account:
    counts = Counter(record.state for record in records.values())
    return Account(CAMPAIGN, "codes", {"accepted": accepted, **counts, **changed}, records)


BOTH_SENT = account({0: SENT, 1: SENT})
BOTH_TRIED = [(FIRST, received(FIRST_ID)), (SECOND, received(SECOND_ID))]
BOTH_KNOWN = {FIRST.key: FIRST_PLACE, SECOND.key: SECOND_PLACE}
ONCE = {FIRST.phone: 1, SECOND.phone: 1}


def judged(**changed: object) -> CheckResult:
    values = {"tried": BOTH_TRIED, "known": BOTH_KNOWN, "accounts": [BOTH_SENT], "arrivals": ONCE, **changed}
    arrivals = values.pop("arrivals")
    return judge([], {}, arrivals, TimeToStop(), [StreamSends("codes", **values)])  # type: ignore[arg-type]


def faults(result: CheckResult) -> list[Fault]:
    return [finding.fault for finding in result.findings]


def test_each_message_with_a_receipt_arrived_once() -> None:
    result = judged()

    assert result.proves_the_promise
    assert (result.messages, result.streamed, result.stream_campaigns, result.campaigns) == (2, 2, 1, 0)
    assert result.by_state == {"finished": 2}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"arrivals": {FIRST.phone: 1}}, [Fault.LOST]),
        ({"arrivals": {**ONCE, SECOND.phone: 2}}, [Fault.DOUBLED]),
        ({"arrivals": {**ONCE, 380999: 1}}, [Fault.UNKNOWN]),
        ({"known": {FIRST.key: FIRST_PLACE}, "arrivals": {FIRST.phone: 1}}, [Fault.LOST, Fault.DOUBLED]),
        ({"known": {FIRST.key: FIRST_PLACE, SECOND.key: FIRST_PLACE}}, [Fault.DOUBLED, Fault.LOST, Fault.DOUBLED]),
        ({"accounts": [account({0: SENT, 1: SENT, 2: SENT}, accepted=3)]}, [Fault.DOUBLED]),
        ({"accounts": [account({0: SENT, 1: SENT, 2: SENT})]}, [Fault.MISREPORTED]),
        ({"accounts": [account({0: SENT}, finished=2)]}, [Fault.LOST, Fault.MISREPORTED]),
        ({"accounts": [account({0: SENT, 1: Record("unconfirmed", "b", "doubt")})]}, [Fault.IN_DOUBT]),
        ({"accounts": [account({0: SENT, 1: Record("expired", "b", "late")})]}, [Fault.MISREPORTED]),
        ({"accounts": []}, [Fault.LOST, Fault.LOST]),
    ],
)
def test_what_is_wrong_with_a_message_is_found(changed: dict[str, object], expected: list[Fault]) -> None:
    assert faults(judged(**changed)) == expected


@pytest.mark.parametrize("state", ["rejected", "refused", "cancelled", "expired"])
def test_a_message_that_was_not_sent_for_a_reason_is_accounted_for(state: str) -> None:
    records = {0: SENT, 1: Record(state, "b", "for a reason")}

    assert faults(judged(accounts=[account(records)], arrivals={FIRST.phone: 1})) == []


@pytest.mark.parametrize("words", [("trying", "given up"), ("trying", "unconfirmed", "given up")])
def test_a_message_that_was_given_up_arrives_at_most_once(words: tuple[Word, ...]) -> None:
    given_up = [(FIRST, received(FIRST_ID)), (SECOND, tried(*words))]
    first_alone = {"known": {FIRST.key: FIRST_PLACE}, "accounts": [account({0: SENT}, accepted=1)]}

    assert faults(judged(tried=given_up)) == []
    assert faults(judged(tried=given_up, arrivals={FIRST.phone: 1}, **first_alone)) == []
    assert faults(judged(tried=given_up, arrivals={**ONCE, SECOND.phone: 2})) == [Fault.DOUBLED]
    assert faults(judged(tried=given_up, **first_alone)) == [Fault.UNKNOWN]


def test_a_message_that_was_reported_not_to_be_accepted_must_not_exist() -> None:
    surely_none = [(FIRST, received(FIRST_ID)), (SECOND, tried("trying", "unavailable", "given up"))]

    assert faults(judged(tried=surely_none)) == [Fault.MISREPORTED]


def test_a_message_that_its_web_app_still_tries_is_in_doubt() -> None:
    assert faults(judged(tried=[(FIRST, received(FIRST_ID)), (SECOND, tried("trying"))])) == [Fault.IN_DOUBT]


def test_an_invalid_message_is_refused_and_no_other_is() -> None:
    refused = tried("trying", "refused")
    alone: dict[str, object] = {"known": {}, "accounts": [], "arrivals": {}}

    assert faults(judged(tried=[(BAD, refused)], **alone)) == []
    assert faults(judged(tried=[(BAD, refused), *BOTH_TRIED], known={**BOTH_KNOWN, BAD.key: FIRST_PLACE})) != []
    assert faults(judged(tried=[(FIRST, refused)], **alone)) == [Fault.LOST]
    assert Fault.MISREPORTED in faults(judged(tried=[(BAD, received(FIRST_ID))], **alone))


def test_an_exception_that_is_not_promised_is_a_finding() -> None:
    failed = replace(received(SECOND_ID), failure="TypeError: …")

    assert faults(judged(tried=[(FIRST, received(FIRST_ID)), (SECOND, failed)])) == [Fault.MISREPORTED]
