"""Check `enqueue`'s keyword arguments, and make the campaign options of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypedDict
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from bsg_config.account import Account
from bsg_config.named_accounts import DEFAULT_ACCOUNT, variable
from bsg_config.settings import Settings
from bsg_config.settings_invalid import SettingsInvalid
from bsg_messages import rules
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.errors import CampaignInvalid
from bsg_messages.priority import PRIORITIES, Priority
from bsg_messages.sending_hours import SendingHours
from bsg_producer.argument_fields import (
    ZONE_REMEDY,
    AccountNameField,
    AmountField,
    SenderField,
    TemplateField,
    TimeField,
    integer_field,
    string_field,
)

MAX_START_DAYS_AHEAD = 30  # BSG: POST /api/campaigns/sms/send-individual, start_at
MAX_DEADLINE_DAYS_AHEAD = 120
MAX_NAME_CHARACTERS = 200
MAX_CALLBACK_URL_CHARACTERS = 100  # BSG: OpenAPI document, CallbackUrl

_PRIORITY = ", ".join(PRIORITIES[:-1]) + f" or {PRIORITIES[-1]}"


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


def check_options(
    arguments: Mapping[str, Any], settings: Settings, now: datetime, *, begins_now: bool = True
) -> CampaignOptions:
    """Return the campaign options from enqueue's keyword arguments. Raise CampaignInvalid, which names all errors.

    `begins_now`: the deadline counts from now, so it is invalid if it passes before the sending hours open.
    """
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
    hours = found["send_between"] if begins_now else None
    if hours is not None and (opening := SendingHours.parse(hours, account.bsg_timezone).opening(begin)) >= deadline:
        message = f"It passes before {hours} begins, at {opening.isoformat()}: give a later one, or other hours."
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
        return settings.of_account(AccountNameField().deserialize(name))
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
        given = TimeField(durations=True).deserialize(deadline)
        if given is None:
            raise ValidationError(f"Not a time: {ZONE_REMEDY}.")
        _check_deadline(given, now)
    except ValidationError as error:
        raise CampaignInvalid({"deadline": [str(message) for message in error.messages]}) from None
    return now + given if isinstance(given, timedelta) else given


def check_cost(name: str, amount: Any) -> str:
    """Return a spending cap: the argument of that name. Raise CampaignInvalid."""
    try:
        return str(AmountField().deserialize(amount))
    except ValidationError as error:
        raise CampaignInvalid({name: [str(message) for message in error.messages]}) from None


def _hours(found: Mapping[str, Any], account: Account) -> str | None:
    """Return the hours with their zone: the account's zone may change while the campaign waits."""
    written = found.get("send_between")
    if written is None:
        return None
    try:
        return str(SendingHours.parse(written, account.bsg_timezone))
    except ValueError as error:
        raise ValidationError(str(error)) from None


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


class _Arguments(Schema):
    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "There is no such argument: leave it out, or correct its name."}

    sender = SenderField(load_default=None, allow_none=True)
    text = TemplateField(load_default=None, allow_none=True)
    tariff_code = integer_field(0, rules.MAX_TARIFF_CODE, 0)
    validity = integer_field(rules.MIN_VALIDITY_HOURS, rules.MAX_VALIDITY_HOURS, rules.MAX_VALIDITY_HOURS)
    start_at = TimeField()
    deadline = TimeField(durations=True)
    callback_url = string_field(None, "the address as one, or none", _check_callback_url)
    priority = string_field("normal", _PRIORITY, validate.OneOf(PRIORITIES, error=f"Not a priority: give {_PRIORITY}."))
    allow_duplicates = fields.Raw(load_default=False, validate=_check_bool)
    transliterate = fields.Raw(load_default=False, validate=_check_bool)
    name = string_field(None, "the name as one, or none", _check_name)
    send_between = string_field(None, "the hours as one, or none", lambda hours: True)
    max_cost = AmountField(load_default=None, allow_none=True)
    account = AccountNameField(load_default=DEFAULT_ACCOUNT)


_SCHEMA = _Arguments()
