"""The types of `enqueue`'s keyword arguments. Each returns a checked value, or raises ValidationError."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from marshmallow import ValidationError, fields, validate

from bsg_config.named_accounts import is_account_name
from bsg_messages import rules
from bsg_messages.errors import CampaignInvalid
from bsg_messages.rejects import Violation
from bsg_messages.template import Template

MAX_COST_BELOW = 1_000_000_000

ZONE_REMEDY = "give a datetime with a zone, such as datetime(2030, 1, 31, 9, 0, tzinfo=ZoneInfo('Europe/Kyiv'))"


class TimeField(fields.Field[Any]):
    """A datetime with a zone, or its ISO text. With `durations`, also seconds or a timedelta."""

    def __init__(self, *, durations: bool = False) -> None:
        super().__init__(load_default=None, allow_none=True)
        self._durations = durations

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                raise ValidationError(f"Not a time: {ZONE_REMEDY}.") from None
        if isinstance(value, datetime):
            if value.utcoffset() is None:
                raise ValidationError(f"It has no zone, so it is ambiguous: {ZONE_REMEDY}.")
            return value
        if self._durations and isinstance(value, timedelta):
            return value
        if self._durations and isinstance(value, (int, float)) and not isinstance(value, bool):
            try:
                return timedelta(seconds=value)
            except (OverflowError, ValueError):
                raise ValidationError("Not a number of seconds that can be counted: give fewer.") from None
        raise ValidationError(f"Not a time: {ZONE_REMEDY}.")


class AmountField(fields.Field[Any]):
    """An amount of money, as text, in the account's currency."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        amount = None
        if isinstance(value, (int, float, Decimal, str)) and not isinstance(value, bool):
            with suppress(InvalidOperation, ValueError):
                amount = Decimal(str(value))
        if amount is None or not amount.is_finite() or not 0 < amount < MAX_COST_BELOW:
            raise ValidationError("Not an amount of money: give a number above 0, such as 25.50.")
        return f"{amount:f}"


class AccountNameField(fields.Field[Any]):
    """An account's name."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not is_account_name(value):
            raise ValidationError("Not an account's name: give it in small letters, digits and _, such as marketing.")
        return value


class SenderField(fields.Field[Any]):
    """A sender that BSG takes."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            return rules.sender(value)
        except Violation as violation:
            raise ValidationError(f"It is {violation.message}.") from None


class TemplateField(fields.Field[Any]):
    """A template that can be parsed."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Not a string: give the template as one, or none for messages with their own.")
        if rules.is_blank(value):
            raise ValidationError("It is blank: write the template, or give none for messages with their own.")
        if (control := rules.control_character(value)) is not None:
            raise ValidationError(f"It has the control character {control}, which no phone shows: remove it.")
        try:
            value.encode()
            Template.parse(value)
        except UnicodeEncodeError:
            raise ValidationError("It is not Unicode text (half a surrogate pair): correct its encoding.") from None
        except CampaignInvalid as invalid:
            raise ValidationError(invalid.errors["text"]) from None
        return value


def string_field(default: str | None, remedy: str, check: Callable[[str], Any]) -> fields.String:
    message = f"Not a string: give {remedy}."
    return fields.String(
        load_default=default,
        allow_none=default is None,
        validate=check,
        error_messages={"invalid": message, "null": message, "invalid_utf8": message},
    )


def integer_field(least: int, most: int, default: int) -> fields.Integer:
    message = f"Not a whole number from {least} to {most}: give one."
    return fields.Integer(
        strict=True,
        load_default=default,
        validate=validate.Range(least, most, error=message),
        error_messages={"invalid": message, "null": message},
    )
