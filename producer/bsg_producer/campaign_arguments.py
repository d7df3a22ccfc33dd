"""Check `enqueue`'s keyword arguments, and make the campaign options of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypedDict
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from bsg_config.account import Account
from bsg_config.named_accounts import DEFAULT_ACCOUNT, is_account_name, variable
from bsg_config.settings import Settings
from bsg_config.settings_invalid import SettingsInvalid
from bsg_messages import rules
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.errors import CampaignInvalid
from bsg_messages.priority import PRIORITIES, Priority
from bsg_messages.rejects import Violation
from bsg_messages.sending_hours import SendingHours
from bsg_messages.template import Template

MAX_START_DAYS_AHEAD = 30  # BSG: POST /api/campaigns/sms/send-individual, start_at
MAX_DEADLINE_DAYS_AHEAD = 120
MAX_NAME_CHARACTERS = 200
MAX_CALLBACK_URL_CHARACTERS = 100  # BSG: OpenAPI document, CallbackUrl
MAX_COST_BELOW = 1_000_000_000

_PRIORITY = ", ".join(PRIORITIES[:-1]) + f" or {PRIORITIES[-1]}"
_ZONE_REMEDY = "give a datetime with a zone, such as datetime(2030, 1, 31, 9, 0, tzinfo=ZoneInfo('Europe/Kyiv'))"


class EnqueueOptions(TypedDict, total=False):
    """The options of a campaign. `Producer.enqueue` explains them and has their defaults."""

    sender: str | None
    text: str | None
    tariff_code: int
    validity: int
    start_at: datetime | None
    deadline: datetime | None
    callback_url: str | None
    priority: Priority
    allow_duplicates: bool
    transliterate: bool
    name: str | None
    send_between: str | None
    max_cost: float | Decimal | str | None
    account: str


def check_options(arguments: Mapping[str, Any], settings: Settings, now: datetime) -> CampaignOptions:
    """Return the campaign options from enqueue's keyword arguments. Raise CampaignInvalid, which names all errors."""
    try:
        found = _SCHEMA.load(arguments)
    except ValidationError as error:
        found = error.valid_data if isinstance(error.valid_data, dict) else {}
        errors = {name: [str(message) for message in messages] for name, messages in error.messages_dict.items()}
    else:
        errors = {}
    account, name = settings.account, found.pop("account", None)
    if name is not None:
        try:
            account = account_of(settings, name)
        except CampaignInvalid as invalid:
            errors |= invalid.errors
    start_at = found.get("start_at")
    _collect(errors, "start_at", lambda: _check_start(start_at, now))
    deadline = found.get("deadline")
    if "deadline" not in errors and "start_at" not in errors:
        begin = max(start_at or now, now)
        given = timedelta(seconds=settings.campaign_deadline) if deadline is None else deadline
        _collect(errors, "deadline", lambda: _check_deadline(given, begin))
    _collect(errors, "send_between", lambda: found.update(send_between=_hours(found, account)))
    if errors:
        raise CampaignInvalid(errors)
    deadline = begin + given if isinstance(given, timedelta) else given
    hours = found["send_between"]
    if hours is not None and (opening := SendingHours.parse(hours, account.bsg_timezone).opening(begin)) >= deadline:
        message = f"It passes before {hours} comes round, at {opening.isoformat()}: give a later one, or other hours."
        raise CampaignInvalid({"deadline": [message]})
    if start_at is not None:
        start_at = start_at.astimezone(account.bsg_timezone)
    return CampaignOptions(
        **{**found, "start_at": start_at, "deadline": deadline}, batch_size=settings.campaign_batch_size
    )


def account_of(settings: Settings, name: Any) -> Account:
    """Return the account of that name. Raise CampaignInvalid.

    A campaign for a misspelled name would wait for workers until its deadline.
    """
    try:
        return settings.of_account(_AccountName().deserialize(name))
    except ValidationError as error:
        raise CampaignInvalid({"account": [str(message) for message in error.messages]}) from None
    except SettingsInvalid:
        known = " or ".join(one.name for one in settings.accounts)
        message = f"{variable('BSG_API_KEY', name)} is not set, but other keys are: set it here too, or give {known}."
        raise CampaignInvalid({"account": [message]}) from None


def check_deadline(deadline: Any, now: datetime) -> datetime:
    """Return a deadline from a datetime with a zone, or from seconds or a timedelta from now.

    Raise CampaignInvalid.
    """
    try:
        given = _Moment(durations=True).deserialize(deadline)
        if given is None:
            raise ValidationError(f"Not a time: {_ZONE_REMEDY}.")
        _check_deadline(given, now)
    except ValidationError as error:
        raise CampaignInvalid({"deadline": [str(message) for message in error.messages]}) from None
    return now + given if isinstance(given, timedelta) else given


def check_max_cost(amount: Any) -> str:
    """Return a spending cap. Raise CampaignInvalid."""
    try:
        return str(_Amount().deserialize(amount))
    except ValidationError as error:
        raise CampaignInvalid({"max_cost": [str(message) for message in error.messages]}) from None


class _Moment(fields.Field[Any]):
    """A datetime with a zone, or its ISO text. With `durations`, also seconds or a timedelta."""

    def __init__(self, *, durations: bool = False) -> None:
        super().__init__(load_default=None, allow_none=True)
        self._durations = durations

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                raise ValidationError(f"Not a time: {_ZONE_REMEDY}.") from None
        if isinstance(value, datetime):
            if value.utcoffset() is None:
                raise ValidationError(f"It has no zone, so nobody knows which moment is meant: {_ZONE_REMEDY}.")
            return value
        if self._durations and isinstance(value, timedelta):
            return value
        if self._durations and isinstance(value, (int, float)) and not isinstance(value, bool):
            try:
                return timedelta(seconds=value)
            except (OverflowError, ValueError):
                raise ValidationError("Not a number of seconds that can be counted: give fewer.") from None
        raise ValidationError(f"Not a time: {_ZONE_REMEDY}.")


def _hours(found: Mapping[str, Any], account: Account) -> str | None:
    """Return the hours with their zone: the account's zone may change while the campaign waits."""
    written = found.get("send_between")
    if written is None:
        return None
    try:
        return str(SendingHours.parse(written, account.bsg_timezone))
    except ValueError as error:
        raise ValidationError(str(error)) from None


class _Amount(fields.Field[Any]):
    """An amount of money, as text, in the account's currency."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        amount = None
        if isinstance(value, (int, float, Decimal, str)) and not isinstance(value, bool):
            with suppress(InvalidOperation, ValueError):
                amount = Decimal(str(value))
        if amount is None or not amount.is_finite() or not 0 < amount < MAX_COST_BELOW:
            raise ValidationError("Not an amount of money: give a number above 0, such as 25.50.")
        return f"{amount:f}"


class _AccountName(fields.Field[Any]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not is_account_name(value):
            raise ValidationError("Not an account's name: give it in small letters, digits and _, such as marketing.")
        return value


class _Sender(fields.Field[Any]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            return rules.sender(value)
        except Violation as violation:
            raise ValidationError(f"It is {violation.message}.") from None


class _TemplateText(fields.Field[Any]):
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
            raise ValidationError("It is not Unicode text (half a surrogate pair): mend its encoding.") from None
        except CampaignInvalid as invalid:
            raise ValidationError(invalid.errors["text"]) from None
        return value


def _check_callback_url(value: str) -> None:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not value.isascii() or not value.isprintable() or " " in value:
        raise ValidationError("Not the address of a web page: write it as https://example.com/reports.")
    if len(value) > MAX_CALLBACK_URL_CHARACTERS:
        raise ValidationError(
            f"{len(value)} characters, and BSG takes at most {MAX_CALLBACK_URL_CHARACTERS}: give a shorter address."
        )


def _check_bool(value: Any) -> None:
    if not isinstance(value, bool):
        raise ValidationError("Neither True nor False: give one of them.")


def _check_name(value: str) -> None:
    if len(value) > MAX_NAME_CHARACTERS or not value.isprintable():
        raise ValidationError(f"Not a name: give {MAX_NAME_CHARACTERS} printable characters at most, in one line.")


def _check_start(start_at: datetime | None, now: datetime) -> None:
    if start_at is None:
        return
    if start_at <= now:
        raise ValidationError("It has passed: give a time in the future, or none to send at once.")
    if start_at > now + timedelta(days=MAX_START_DAYS_AHEAD):
        raise ValidationError(f"More than {MAX_START_DAYS_AHEAD} days ahead, which BSG refuses: give an earlier time.")


def _check_deadline(deadline: datetime | timedelta, begin: datetime) -> None:
    ahead = deadline if isinstance(deadline, timedelta) else deadline - begin
    if ahead <= timedelta(0):
        raise ValidationError("It is not after the campaign's start: give a later time, or more seconds.")
    if ahead > timedelta(days=MAX_DEADLINE_DAYS_AHEAD):
        raise ValidationError(f"More than {MAX_DEADLINE_DAYS_AHEAD} days after the start: give an earlier time.")


def _collect(errors: dict[str, list[str]], name: str, check: Callable[[], None]) -> None:
    try:
        check()
    except ValidationError as error:
        errors.setdefault(name, []).extend(str(message) for message in error.messages)


def _string(default: str | None, remedy: str, check: Callable[[str], Any]) -> fields.String:
    message = f"Not a string: give {remedy}."
    return fields.String(
        load_default=default,
        allow_none=default is None,
        validate=check,
        error_messages={"invalid": message, "null": message, "invalid_utf8": message},
    )


def _whole(least: int, most: int, default: int) -> fields.Integer:
    message = f"Not a whole number from {least} to {most}: give one."
    return fields.Integer(
        strict=True,
        load_default=default,
        validate=validate.Range(least, most, error=message),
        error_messages={"invalid": message, "null": message},
    )


class _Arguments(Schema):
    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "There is no such argument: leave it out, or mend its name."}

    sender = _Sender(load_default=None, allow_none=True)
    text = _TemplateText(load_default=None, allow_none=True)
    tariff_code = _whole(0, rules.MAX_TARIFF_CODE, 0)
    validity = _whole(rules.MIN_VALIDITY_HOURS, rules.MAX_VALIDITY_HOURS, rules.MAX_VALIDITY_HOURS)
    start_at = _Moment()
    deadline = _Moment(durations=True)
    callback_url = _string(None, "the address as one, or none", _check_callback_url)
    priority = _string("normal", _PRIORITY, validate.OneOf(PRIORITIES, error=f"Not a priority: give {_PRIORITY}."))
    allow_duplicates = fields.Raw(load_default=False, validate=_check_bool)
    transliterate = fields.Raw(load_default=False, validate=_check_bool)
    name = _string(None, "the name as one, or none", _check_name)
    send_between = _string(None, "the hours as one, or none", lambda hours: True)
    max_cost = _Amount(load_default=None, allow_none=True)
    account = _AccountName(load_default=DEFAULT_ACCOUNT)


_SCHEMA = _Arguments()
