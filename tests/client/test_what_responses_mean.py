from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from bsg_client import AccountReason, OutcomeKind, ReadFailed
from bsg_client.classification import REFERENCE_IDS_TAKEN, creation_outcome, usable
from bsg_client.outcomes import Outcome
from bsg_client.wire import NoResponse, Response
from bsg_messages.rejects import RejectCode, Violation

TAKEN, REFUSED, IN_DOUBT = OutcomeKind.TAKEN, OutcomeKind.REFUSED, OutcomeKind.IN_DOUBT
THROTTLED, ROWS_REFUSED = OutcomeKind.THROTTLED, OutcomeKind.ROWS_REFUSED
CLOSED = OutcomeKind.ACCOUNT_CLOSED
INVALID = {"message": "The given data was invalid."}
DUPLICATE_NOTICE = {"message": "Too many duplicate request detected"}


def meaning_of(status: int, content: Any, headers: dict[str, str] | None = None) -> Outcome:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return creation_outcome(Response(status, headers or {}, body))


def complaints(*fields: str) -> dict[str, Any]:
    return {**INVALID, "errors": {field: ["It is wrong."] for field in fields}}


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (200, {"data": {"id": 1}}, TAKEN),
        (201, {"data": {"id": 1, "status": "a status of tomorrow"}}, TAKEN),
        (200, {"error": "0", "data": {"id": 1}}, TAKEN),
        (200, {"data": {"id": 1, "statistics": [], "mesage_type": "sms", "start_at": None}}, TAKEN),
        (200, {"data": {}}, IN_DOUBT),
        (200, {"data": {"id": None}}, IN_DOUBT),
        (200, {"data": {"id": True}}, IN_DOUBT),
        (200, {"data": {"id": 0}}, IN_DOUBT),
        (200, {"data": {"id": 1.5}}, IN_DOUBT),
        (200, {"data": [{"id": 1}]}, IN_DOUBT),
        (200, {"id": 1}, IN_DOUBT),
        (200, [], IN_DOUBT),
        (200, None, IN_DOUBT),
        (200, b"", IN_DOUBT),
        (200, b"\xff\xfe\x00", IN_DOUBT),
        (200, b"[" * 100_000, IN_DOUBT),
        (200, b'{"data":{"id":' + b"9" * 5000 + b"}}", IN_DOUBT),
        (200, {"error": "5", "data": {"id": 1}}, IN_DOUBT),
        (200, {"error": "oops"}, IN_DOUBT),
        (200, {"error": {"code": 1}}, IN_DOUBT),
        (200, {"error": "77"}, IN_DOUBT),
        (206, {"data": {"id": 1}}, IN_DOUBT),
        (400, {"error": "23"}, IN_DOUBT),
        (400, INVALID, REFUSED),
        (403, INVALID, REFUSED),
        (404, INVALID, REFUSED),
        (413, INVALID, REFUSED),
        (400, {"error": "77"}, REFUSED),
        (400, {"unlike": "BSG"}, IN_DOUBT),
        (403, b"<html>Forbidden by the firewall</html>", IN_DOUBT),
        (404, b"<html>Not found</html>", IN_DOUBT),
        (413, b"<html>Request entity too large</html>", IN_DOUBT),
        (402, INVALID, CLOSED),
        (402, b"<html>", IN_DOUBT),
        (401, INVALID, CLOSED),
        (401, b"<html>", CLOSED),
        (408, INVALID, IN_DOUBT),
        (409, INVALID, IN_DOUBT),
        (418, INVALID, IN_DOUBT),
        (429, DUPLICATE_NOTICE, IN_DOUBT),
        (429, {"message": "too many Duplicate  requests"}, IN_DOUBT),
        (429, b"<html>Too many duplicate request detected</html>", IN_DOUBT),
        (429, INVALID, THROTTLED),
        (429, {"message": "Too Many Attempts."}, THROTTLED),
        (429, b"<html>", THROTTLED),
        (429, b"", THROTTLED),
        (500, INVALID, IN_DOUBT),
        (500, {"error": "8"}, IN_DOUBT),
        (502, b"", IN_DOUBT),
        (503, {"data": {"id": 1}}, IN_DOUBT),
        (504, b"<html>", IN_DOUBT),
    ],
)
def test_status_and_content_decide_the_kind(status: int, content: Any, kind: OutcomeKind) -> None:
    assert meaning_of(status, content).kind is kind


@pytest.mark.parametrize("status", [200, 400, 403, 422])
@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (1, CLOSED, AccountReason.BAD_KEY),
        (2, CLOSED, AccountReason.BLOCKED),
        (5, IN_DOUBT, None),
        (8, CLOSED, AccountReason.NO_FUNDS),
        (11, THROTTLED, None),
        (23, IN_DOUBT, None),
        *((code, REFUSED, None) for code in (3, 4, 6, 7, 9, 10, 12, 21, 24, 25, 26, 27, 28, 31, 32, 33)),
    ],
)
def test_each_code_of_the_older_style_has_its_kind(
    status: int, as_text: bool, code: int, kind: OutcomeKind, reason: AccountReason | None
) -> None:
    content = {"error": str(code) if as_text else code, "errorDescription": "…"}

    outcome = meaning_of(status, content)

    assert (outcome.kind, outcome.account_reason) == (kind, reason)


def test_a_user_who_is_blocked_is_distinguished_from_a_bad_key_under_a_401_too() -> None:
    assert meaning_of(401, {"error": "2"}).account_reason is AccountReason.BLOCKED
    assert meaning_of(401, {"message": "Unauthenticated."}).account_reason is AccountReason.BAD_KEY


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ({"messages.0.phone": ["wrong"]}, ROWS_REFUSED),
        ({"messages.0.phone": ["wrong"], "messages.9999.text": ["wrong"]}, ROWS_REFUSED),
        ({"messages.0.phone": ["wrong"], "messages.1.reference_id": ["taken"]}, ROWS_REFUSED),
        ([{"messages.0.phone": ["wrong"]}, {"messages.3.sender": ["wrong"]}], ROWS_REFUSED),
        (["messages.0.phone: wrong"], ROWS_REFUSED),
        ({"messages.0.phone": ["wrong"], "validity": ["wrong"]}, REFUSED),
        ({"messages": ["wrong"]}, REFUSED),
        ({"messages.0": ["wrong"]}, REFUSED),
        ({"messages.x.phone": ["wrong"]}, REFUSED),
        ({"tariff_code": ["wrong"]}, REFUSED),
        ({}, REFUSED),
        ([], REFUSED),
        (["Something is wrong"], REFUSED),
        ([1, None], REFUSED),
        ("wrong", REFUSED),
        (None, REFUSED),
        ({"messages.0.reference_id": ["taken"], "messages.1.reference_id": ["taken"]}, IN_DOUBT),
        ({"reference_id": ["taken"]}, IN_DOUBT),
        (["messages.0.reference_id: taken"], IN_DOUBT),
    ],
)
def test_a_422_refuses_rows_only_if_every_complaint_names_one(errors: Any, kind: OutcomeKind) -> None:
    assert meaning_of(422, {**INVALID, "errors": errors}).kind is kind


def test_a_422_without_complaints_refuses_the_request() -> None:
    assert meaning_of(422, {"message": "Tariff not found"}).kind is REFUSED


def test_complaints_about_reference_ids_alone_are_reported_as_such() -> None:
    outcomes = [meaning_of(422, complaints("messages.0.reference_id")), meaning_of(200, {"error": "23"})]

    assert {outcome.cause for outcome in outcomes} == {REFERENCE_IDS_TAKEN}


def test_refused_rows_have_index_field_and_words() -> None:
    outcome = meaning_of(422, complaints("messages.0.phone", "messages.12.text"))

    assert outcome.violations == {
        0: Violation("phone", RejectCode.REFUSED_BY_BSG, "It is wrong."),
        12: Violation("text", RejectCode.REFUSED_BY_BSG, "It is wrong."),
    }


def test_what_bsg_says_about_a_row_is_bounded_and_never_printed_with_it() -> None:
    errors = {"messages.0.phone": ["380970000001 \ud800" + "x" * 10_000]}

    outcome = meaning_of(422, {"errors": errors})

    assert len(outcome.violations[0].message) == 200
    outcome.violations[0].message.encode()
    assert "380970000001" not in repr(outcome)


@pytest.mark.parametrize("status", [200, 400, 422])
def test_half_a_response_is_in_doubt_whatever_it_says(status: int) -> None:
    response = Response(status, {}, json.dumps({**INVALID, "data": {"id": 1}}).encode(), cut="response cut off")

    assert creation_outcome(response).kind is IN_DOUBT


def test_half_a_response_to_a_question_is_of_no_use_whatever_it_says() -> None:
    with pytest.raises(ReadFailed):
        usable(Response(200, {}, b'{"data": []}', cut="response cut off"))


def test_a_401_says_it_all_without_a_whole_body() -> None:
    assert creation_outcome(Response(401, {}, b"{", cut="response cut off")).kind is CLOSED


@pytest.mark.parametrize(("headers", "kind"), [({}, IN_DOUBT), ({"Retry-After": "7"}, THROTTLED)])
def test_a_429_without_its_text_may_have_been_the_duplicate_notice_unless_it_asks_to_wait(
    headers: dict[str, str], kind: OutcomeKind
) -> None:
    assert creation_outcome(Response(429, headers, b'{"mess', cut="response cut off")).kind is kind


def test_a_duplicate_notice_is_distinguished_from_other_doubts_and_throttles_nobody() -> None:
    outcome = meaning_of(429, DUPLICATE_NOTICE)

    assert (outcome.duplicate_notice, outcome.throttles) == (True, False)
    assert not meaning_of(500, DUPLICATE_NOTICE).duplicate_notice


def test_a_duplicate_notice_that_asks_to_wait_is_in_doubt_and_throttles_the_account() -> None:
    outcome = meaning_of(429, DUPLICATE_NOTICE, {"Retry-After": "7"})

    assert (outcome.kind, outcome.duplicate_notice, outcome.throttles) == (IN_DOUBT, True, True)


def test_a_duplicate_notice_to_a_question_throttles_nobody() -> None:
    with pytest.raises(ReadFailed) as failure:
        usable(Response(429, {}, json.dumps(DUPLICATE_NOTICE).encode()))

    assert not failure.value.throttled


@pytest.mark.parametrize(("left", "kind"), [(True, IN_DOUBT), (False, OutcomeKind.NOT_TAKEN)])
def test_without_a_response_all_hangs_on_whether_the_body_left(left: bool, kind: OutcomeKind) -> None:
    assert creation_outcome(NoResponse(left, "read timeout")).kind is kind


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0", 0.0),
        ("17", 17.0),
        (" 2.5 ", 2.5),
        ("-3", None),
        ("soon", None),
        ("", None),
        ("9" * 400, None),
        ("Tue, 99 Nov 2026 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds(written: str, seconds: float | None) -> None:
    assert meaning_of(429, INVALID, {"Retry-After": written}).retry_after == seconds


def test_retry_after_as_a_date_is_held_against_the_date_of_the_response() -> None:
    responded = datetime(2020, 2, 29, 12, tzinfo=UTC)
    headers = {
        "Date": format_datetime(responded, usegmt=True),
        "Retry-After": format_datetime(responded + timedelta(seconds=90), usegmt=True),
    }

    assert meaning_of(429, INVALID, headers).retry_after == 90


def test_retry_after_as_a_date_without_another_date_says_nothing_whatever_our_clock() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)

    assert meaning_of(429, INVALID, {"Retry-After": until}).retry_after is None


def test_a_date_that_has_passed_means_no_wait() -> None:
    headers = {"Date": "Wed, 21 Oct 2015 07:28:10 GMT", "Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}

    assert meaning_of(429, INVALID, headers).retry_after == 0


def test_a_campaign_is_read_whatever_else_bsg_says_of_it() -> None:
    data = {
        "id": 5,
        "status": "spam",
        "statistics": {"sent": 3, "delivered": "2", "read": None},
        "created_at": "2026-11-24 10:00:01",
        "start_at": "tomorrow",
        "calculated_price": 1.25,
        "currency": "EUR",
    }

    campaign = meaning_of(200, {"data": data}).campaign

    assert campaign is not None
    assert (campaign.id, campaign.status, campaign.price, campaign.currency) == (5, "spam", "1.25", "EUR")
    assert campaign.statistics == {"sent": 3, "delivered": 2}
    assert campaign.created_at == datetime(2026, 11, 24, 10, 0, 1)
    assert campaign.start_at is None
