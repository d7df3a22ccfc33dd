"""One message against BSG's rules, by marshmallow: slow, exact, and able to say what is wrong.

The preparation calls it only for messages that the fast path does not accept. Both use `rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load

from bsg_messages import rules
from bsg_messages.rules import Fault


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A message as BSG takes it. The last three are None where the caller gave none."""

    phone: str
    sender: str
    text: str
    reference_id: str | None
    tariff_code: int | None
    transliterate: bool | None


class _Ruled(fields.Field[Any]):
    """A field that one of the rules reads; an optional one that is blank counts as absent."""

    def __init__(self, rule: Callable[[Any], Any], *, optional: bool = False) -> None:
        super().__init__(load_default=None, allow_none=True)
        self._rule = rule
        self._optional = optional

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        given = None if rules.is_blank(value) or not isinstance(value, (str, int, float)) else value
        if given is None and self._optional:
            return None
        try:
            return self._rule(given)
        except Fault as fault:
            raise ValidationError([fault]) from None


class MessageSchema(Schema):
    """Loads a mapping with the fields of a `Message` into a `Message`.

    The messages of its ValidationError are `Fault`s, by field.
    """

    class Meta:
        unknown = EXCLUDE

    phone = _Ruled(rules.phone)
    sender = _Ruled(rules.sender)
    text = _Ruled(rules.text)
    reference_id = _Ruled(rules.reference_id, optional=True)
    tariff_code = _Ruled(rules.tariff_code, optional=True)
    transliterate = _Ruled(rules.transliterate, optional=True)

    @post_load
    def _message(self, data: Mapping[str, Any], **_: Any) -> Message:
        return Message(**data)


_SCHEMA = MessageSchema()


def explain(given: Mapping[str, Any]) -> Message | tuple[str, Fault]:
    """Return the message as BSG takes it, or the first field that breaks a rule, and which."""
    try:
        message: Message = _SCHEMA.load(given)
    except ValidationError as error:
        faults = error.messages_dict
        name = next(name for name in _SCHEMA.fields if name in faults)
        return name, faults[name][0]
    return message
