"""Check one message against BSG's rules: slowly, exactly, and with the reason of a violation.

The preparation calls it only for messages that the fast path does not accept. Both use `rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from bsg_messages import rules

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A message in BSG's format. The last three fields are None if the caller gave none."""

    phone: str
    sender: str
    text: str
    reference_id: str | None
    tariff_code: int | None
    transliterate: bool | None


def check_message(given: Mapping[str, Any]) -> Message:
    """Return the message in BSG's format. Raise Violation for the first field that breaks a rule."""
    return Message(
        phone=rules.phone(given.get("phone")),
        sender=rules.sender(given.get("sender")),
        text=rules.text(given.get("text")),
        reference_id=_optional(rules.reference_id, given.get("reference_id")),
        tariff_code=_optional(rules.tariff_code, given.get("tariff_code")),
        transliterate=_optional(rules.transliterate, given.get("transliterate")),
    )


def _optional(rule: Callable[[Any], T], value: Any) -> T | None:
    return None if rules.is_blank(value) else rule(value)
