"""Classify BSG's responses. Only this module maps statuses and error codes to kinds of outcome.

By HTTP status, for a request to create a campaign:

| status | with | kind |
|---|---|---|
| 200, 201, 202 | `data.id` and no error code | taken |
| 200, 201, 202 | an error code of the older style, and no `data.id` | by the table of codes |
| 200, 201, 202 | anything else: HTML, nothing, half a response, both of the above | in doubt |
| 401 | anything | account closed (the client has renewed its token already) |
| 429 | BSG's duplicate notice: the body arrived before | in doubt; with `Retry-After` the account cools down too |
| 429 | `Retry-After`, or a whole body with another text | throttled |
| 429 | neither, and a body that is cut off | in doubt: it may be the notice |
| 400, 402, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422 | an error code | by the table of codes |
| 402 | BSG's JSON | account closed: no funds |
| 422 | only complaints about reference ids | in doubt: the batch may have been sent before |
| 422 | complaints that name messages, all of them | rows refused |
| the same ones | BSG's JSON | refused |
| the same ones | anything else: it is a gateway's response | in doubt |
| any other | anything | in doubt |

BSG's JSON is an object with `error`, `errors` or `message` in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bsg_client.outcomes import AccountReason, Outcome, OutcomeKind, ReadFailed
from bsg_client.responses import campaign_response, data_of, decode, printable, whole_number
from bsg_client.retry_after import retry_after
from bsg_client.wire import NoResponse, Response
from bsg_messages.rejects import RejectCode, Violation

REFERENCE_IDS_TAKEN = "reference ids taken"
"""The cause of a doubt: BSG knows the reference ids already."""

_YES = frozenset({200, 201, 202})
_NO = frozenset({400, 402, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422})
_UNPROCESSABLE = 422

_ROW = re.compile(r"messages\.([0-9]{1,6})\.([A-Za-z0-9_.]{1,64})")
_REFERENCE_ID = "reference_id"
_MAX_COMPLAINT = 200

# BSG: 429 of every POST, "Too many duplicate request detected". It has no code, so only its text identifies it.
_DUPLICATE_NOTICE = re.compile(rb"duplicate\s+request", re.IGNORECASE)

_REFUSED = Outcome(OutcomeKind.REFUSED, "refused")
_IN_DOUBT = Outcome(OutcomeKind.IN_DOUBT, "in doubt")

# BSG: error codes of API 1.0 (`error`, `errorDescription`). 0 is no error. Unlisted codes are in doubt.
_CODES: Mapping[int, Outcome] = {
    1: Outcome(OutcomeKind.ACCOUNT_CLOSED, "invalid key", account_reason=AccountReason.BAD_KEY),
    2: Outcome(OutcomeKind.ACCOUNT_CLOSED, "user blocked", account_reason=AccountReason.BLOCKED),
    3: replace(_REFUSED, cause="not enough parameters"),
    4: replace(_REFUSED, cause="function not supported"),
    5: replace(_IN_DOUBT, cause="unknown error"),  # guard: code-unknown-error
    6: replace(_REFUSED, cause="no such tariff"),
    7: replace(_REFUSED, cause="invalid parameters"),
    8: Outcome(OutcomeKind.ACCOUNT_CLOSED, "not enough funds", account_reason=AccountReason.NO_FUNDS),
    9: replace(_REFUSED, cause="tariff inactive"),
    10: replace(_REFUSED, cause="invalid sending time"),
    11: Outcome(OutcomeKind.THROTTLED, "too many messages at once"),
    12: replace(_REFUSED, cause="package too large"),
    21: replace(_REFUSED, cause="invalid phone"),
    23: replace(_IN_DOUBT, cause=REFERENCE_IDS_TAKEN, reference_ids_taken=True),  # guard: code-id-present
    24: replace(_REFUSED, cause="invalid payload"),
    25: replace(_REFUSED, cause="invalid originator"),
    26: replace(_REFUSED, cause="text empty or too long"),
    27: replace(_REFUSED, cause="invalid external id"),
    28: replace(_REFUSED, cause="invalid validity"),
    31: replace(_REFUSED, cause="phone already in the messaging list"),
    32: replace(_REFUSED, cause="sender not allowed"),
    33: replace(_REFUSED, cause="direction not allowed"),
}


def creation_outcome(response: Response | NoResponse) -> Outcome:
    """Return the outcome of a request to create a campaign."""
    if isinstance(response, NoResponse):
        # guard: body-left-in-doubt
        return Outcome(OutcomeKind.IN_DOUBT if response.body_left else OutcomeKind.NOT_TAKEN, response.cause)
    return replace(_by_status(response), retry_after=retry_after(response.headers))


def read_failure(response: Response | NoResponse) -> ReadFailed:
    """Return why the response to a reading request is unusable."""
    if isinstance(response, NoResponse):
        return ReadFailed(response.cause)
    outcome = creation_outcome(response)
    content = decode(response.body)
    is_success = response.status in _YES and response.cut is None
    without_error = not isinstance(content, Mapping) or _code(content) is None
    return ReadFailed(
        "not the documented response" if is_success and without_error else outcome.cause,
        throttled=outcome.throttles,
        retry_after=outcome.retry_after,
        account_reason=outcome.account_reason,
        status=response.status,
    )


def usable(response: Response | NoResponse) -> Any:
    """Return the JSON of a successful response. Raise ReadFailed for any other."""
    if isinstance(response, Response) and response.status in _YES and response.cut is None:  # guard: read-whole
        content = decode(response.body)
        if isinstance(content, Mapping) and _code(content) is None:  # guard: error-is-no-list
            return content
    raise read_failure(response)


def _by_status(response: Response) -> Outcome:
    status = response.status
    if status == 401:
        return _closed_unless_the_code_says_more(response)
    if status == 429:
        return _of_a_429(response)
    if response.cut is not None:  # guard: cut-response-in-doubt
        return replace(_IN_DOUBT, cause=f"HTTP {status}, {response.cut}")
    content = decode(response.body)
    if status in _YES and isinstance(content, Mapping):
        return _of_a_yes(status, content)
    # guard: gateway-error
    if status in _NO and isinstance(content, Mapping) and not content.keys().isdisjoint(("error", "errors", "message")):
        return _of_a_no(status, content)
    return replace(_IN_DOUBT, cause=f"HTTP {status}")  # guard: other-status-in-doubt


def _of_a_429(response: Response) -> Outcome:
    if _DUPLICATE_NOTICE.search(response.body):  # guard: duplicate-notice-in-doubt
        return replace(_IN_DOUBT, cause="HTTP 429: duplicate request", duplicate_notice=True)
    if response.cut is not None and "Retry-After" not in response.headers:  # guard: cut-429-in-doubt
        return replace(_IN_DOUBT, cause=f"HTTP 429, {response.cut}")
    return Outcome(OutcomeKind.THROTTLED, "HTTP 429")


def _closed_unless_the_code_says_more(response: Response) -> Outcome:
    content = decode(response.body)
    outcome = _by_code(content) if isinstance(content, Mapping) else None
    if outcome is not None and outcome.kind is OutcomeKind.ACCOUNT_CLOSED:
        return outcome
    return Outcome(OutcomeKind.ACCOUNT_CLOSED, "HTTP 401", account_reason=AccountReason.BAD_KEY)


def _of_a_yes(status: int, content: Mapping[str, Any]) -> Outcome:
    campaign = campaign_response(data_of(content))
    refusal = _by_code(content)
    if campaign is not None:
        if refusal is None:  # guard: campaign-with-error
            return Outcome(OutcomeKind.TAKEN, "taken", campaign=campaign)
        return replace(_IN_DOUBT, cause="a campaign and an error in one response")
    return refusal or replace(_IN_DOUBT, cause=f"HTTP {status} without a campaign")  # guard: yes-without-campaign


def _of_a_no(status: int, content: Mapping[str, Any]) -> Outcome:
    if (outcome := _by_code(content)) is not None and _code(content) in _CODES:
        return outcome
    if status == 402:
        return Outcome(OutcomeKind.ACCOUNT_CLOSED, "HTTP 402", account_reason=AccountReason.NO_FUNDS)
    if status == _UNPROCESSABLE:
        return _of_complaints(content.get("errors"))
    return replace(_REFUSED, cause=f"HTTP {status}")


def _of_complaints(errors: Any) -> Outcome:
    complaints = _complaints(errors)
    if not complaints:
        return replace(_REFUSED, cause="HTTP 422")
    of_rows = [_ROW.fullmatch(name) for name, _ in complaints]
    fields = [match[2] if match else name for match, (name, _) in zip(of_rows, complaints, strict=True)]
    violations = {
        int(match[1]): Violation(match[2], RejectCode.REFUSED_BY_BSG, _words(message))
        for match, (_, message) in zip(of_rows, complaints, strict=True)
        if match
    }
    if all(field == _REFERENCE_ID for field in fields):  # guard: reference-id-complaints
        return replace(_IN_DOUBT, cause=REFERENCE_IDS_TAKEN, reference_ids_taken=True, violations=violations)
    if not all(of_rows):  # guard: complaint-per-row
        return replace(_REFUSED, cause="HTTP 422")
    return Outcome(OutcomeKind.ROWS_REFUSED, f"HTTP 422 for {len(violations)} rows", violations=violations)


def _complaints(errors: Any) -> list[tuple[str, Any]]:
    """Return the field and the text of each complaint.

    The documents show a map, or a list of unspecified elements. An element may be a map of the same kind, or a text
    that begins with the field and a colon.
    """
    if isinstance(errors, Mapping):
        return list(errors.items())
    complaints: list[tuple[str, Any]] = []
    for entry in errors if isinstance(errors, list) else []:
        if isinstance(entry, Mapping):
            complaints.extend(entry.items())
        else:
            field, _, words = entry.partition(":") if isinstance(entry, str) else ("", "", "")
            complaints.append((field, words.strip()))
    return complaints


def _words(message: Any) -> str:
    words = message[0] if isinstance(message, list) and message else message
    return printable(words, _MAX_COMPLAINT) if isinstance(words, str) else ""


def _code(content: Mapping[str, Any]) -> int | None:
    """Return the error code of the older style; None if there is no error, -1 if the code is not a number."""
    code_given = content.get("error")
    if code_given is None or code_given is False:
        return None
    code = whole_number(code_given)
    return (code or None) if code is not None else -1


def _by_code(content: Mapping[str, Any]) -> Outcome | None:
    code = _code(content)
    if code is None:
        return None
    # guard: code-undocumented
    return _CODES.get(code, replace(_IN_DOUBT, cause="an error code that is not documented"))
