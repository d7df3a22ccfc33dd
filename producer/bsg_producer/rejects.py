"""A message that will not be sent, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum

SHOWN_AT_MOST = 64  # characters of what the caller gave as phone or reference id


class RejectCode(StrEnum):
    """Why a message will not be sent; the message's text says it for people."""

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


@dataclass(frozen=True, slots=True)
class Reject:
    """`index`: the message's place in what was enqueued, from 0. `field`: "" where none alone is at fault."""

    index: int
    phone: str = field(repr=False)
    reference_id: str
    field: str
    code: RejectCode
    message: str

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
        """Raises ValueError for what `to_json` did not write."""
        row = json.loads(text)
        return cls(
            index=int(row["index"]),
            phone=row.get("phone", ""),
            reference_id=row.get("reference_id", ""),
            field=row.get("field", ""),
            code=RejectCode(row["code"]),
            message=row.get("message", ""),
        )
