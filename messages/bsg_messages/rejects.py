"""Rejects: messages that will not be sent, and the rules that they break."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MAX_SHOWN = 64  # characters of the caller's phone or reference id


class RejectCode(StrEnum):
    """Why a message will not be sent. The reject's text explains it, with the remedy.

    >>> RejectCode("invalid_phone") == "invalid_phone", MEANINGS[RejectCode.DUPLICATE]
    (True, 'the same text to the same phone was there before')
    """

    MISSING_PHONE = "missing_phone"
    INVALID_PHONE = "invalid_phone"
    MISSING_SENDER = "missing_sender"
    INVALID_SENDER = "invalid_sender"
    MISSING_TEXT = "missing_text"
    INVALID_TEXT = "invalid_text"
    TEXT_TOO_LONG = "text_too_long"
    MISSING_FIELD = "missing_field"
    INVALID_REFERENCE_ID = "invalid_reference_id"
    INVALID_TARIFF_CODE = "invalid_tariff_code"
    INVALID_TRANSLITERATE = "invalid_transliterate"
    DUPLICATE = "duplicate"
    DUPLICATE_REFERENCE_ID = "duplicate_reference_id"
    NOT_A_MAPPING = "not_a_mapping"
    NOT_JSON = "not_json"
    SUPPRESSED = "suppressed"
    # After the preparation:
    UNPROCESSABLE = "unprocessable"
    REFUSED_BY_BSG = "refused_by_bsg"
    DROPPED_BY_BSG = "dropped_by_bsg"
    REFERENCE_ID_TAKEN = "reference_id_taken"


MEANINGS: Mapping[RejectCode, str] = {
    RejectCode.MISSING_PHONE: "there is no phone",
    RejectCode.INVALID_PHONE: "the phone is not an international number",
    RejectCode.MISSING_SENDER: "neither the message nor the campaign has a sender",
    RejectCode.INVALID_SENDER: "BSG does not take such a sender",
    RejectCode.MISSING_TEXT: "there is no text",
    RejectCode.INVALID_TEXT: "the text is not a string, or has a control character other than a line break",
    RejectCode.TEXT_TOO_LONG: "the text is longer than BSG takes",
    RejectCode.MISSING_FIELD: "the template needs a field that the message does not have",
    RejectCode.INVALID_REFERENCE_ID: "BSG does not take such a reference id",
    RejectCode.INVALID_TARIFF_CODE: "BSG does not take such a tariff code",
    RejectCode.INVALID_TRANSLITERATE: "transliterate is neither true nor false",
    RejectCode.DUPLICATE: "the same text to the same phone was there before",
    RejectCode.DUPLICATE_REFERENCE_ID: "an earlier message has the reference id",
    RejectCode.NOT_A_MAPPING: "the message is not a mapping",
    RejectCode.NOT_JSON: "a value cannot be written as JSON",
    RejectCode.SUPPRESSED: "the phone is on the list of those that are never sent to",
    RejectCode.UNPROCESSABLE: "preparing its chunk ended the worker's process again and again",
    RejectCode.REFUSED_BY_BSG: "BSG named the message and took none of its batch",
    RejectCode.DROPPED_BY_BSG: "BSG took the batch without the message",
    RejectCode.REFERENCE_ID_TAKEN: "BSG has an earlier message with the reference id",
}


@dataclass(unsafe_hash=True)
class Violation(Exception):
    """A message breaks a rule. Rules raise it. For many messages, it is a value by the message's index.

    `field`: "" if no single field is wrong. `message` says what is wrong, and the remedy if there is one.

    >>> Violation("phone", RejectCode.MISSING_PHONE, "no phone: give one")
    Violation(field='phone', code=<RejectCode.MISSING_PHONE: 'missing_phone'>)
    """

    field: str
    code: RejectCode
    message: str = dataclasses.field(repr=False)  # BSG's text may quote the phone

    def __str__(self) -> str:
        return f"{self.field}: {self.code}"


@dataclass(frozen=True, slots=True)
class Reject:
    """`index`: the message's index among the enqueued messages, from 0. `field`: "" if no single field is wrong.

    >>> Reject(7, "0661231231", "", "phone", RejectCode.INVALID_PHONE, "not an international phone number")
    Reject(index=7, reference_id='', field='phone', code=<RejectCode.INVALID_PHONE: 'invalid_phone'>, message='not ...')
    """

    index: int
    phone: str = dataclasses.field(repr=False)
    reference_id: str
    field: str
    code: RejectCode
    message: str

    @classmethod
    def of(cls, violation: Violation, *, index: int, phone: str, reference_id: str) -> Reject:
        """Return the reject of a message that breaks a rule.

        >>> violation = Violation("phone", RejectCode.MISSING_PHONE, "no phone: give one")
        >>> Reject.of(violation, index=7, phone="", reference_id="order17").code.value
        'missing_phone'
        """
        return cls(index, phone, reference_id, violation.field, violation.code, violation.message)

    def to_json(self) -> str:
        return json.dumps(
            {
                "index": self.index,
                "phone": self.phone,
                "reference_id": self.reference_id,
                "field": self.field,
                "code": self.code.value,
                "message": self.message,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Reject:
        """Parse what `to_json` wrote. Raise ValueError for anything else.

        >>> Reject.from_json('{"index": 7, "field": "phone", "code": "missing_phone"}').index
        7
        """
        row = json.loads(text)
        return cls(
            index=int(row["index"]),
            phone=row.get("phone", ""),
            reference_id=row.get("reference_id", ""),
            field=row.get("field", ""),
            code=RejectCode(row["code"]),
            message=row.get("message", ""),
        )
