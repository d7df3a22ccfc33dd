"""The documented rules of a new campaign. BSG: POST /api/campaigns/sms/send-individual."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from bsg_sandbox.clock import parse_bsg_time
from bsg_sandbox.queries import Errors
from bsg_sandbox.responses import Refused, invalid, json_response, message_response
from bsg_sandbox.settings import SandboxSettings
from bsg_sandbox.texts import ALWAYS_SHORT_ENOUGH, MAX_SEGMENTS, segments_of
from bsg_sandbox.transliteration import transliterated

MAX_MESSAGES = 10_000
START_AT_MOST_AHEAD = 30 * 86_400
MAX_VALIDITY = 72
MAX_CALLBACK_URL = 100
MIN_PHONE, GREATEST_PHONE = 10**8, 10**15 - 1
_SENDER = re.compile(r"[0-9]{1,15}|[\x20-\x7e]{1,11}")
_REFERENCE = re.compile(r"[a-zA-Z0-9]{1,32}")
_URL = re.compile(r"https?://[^\s/]+\S*")
_USUAL_FIELDS = 3


@dataclass(slots=True)
class Draft:
    """A campaign that follows the rules, as columns. `references` has None for a message without an id.

    `validity` is in hours, `start_at` in seconds since 1970.
    """

    phones: list[int] = field(repr=False)
    texts: list[str] = field(repr=False)
    senders: list[str]
    references: list[str | None] = field(repr=False)
    tariff_code: int
    validity: int
    start_at: float | None
    name: str | None = None
    callback_url: str | None = None


def check_individual(body: Mapping[str, Any], settings: SandboxSettings, now: float, zone: float) -> Draft:
    """Return the draft of a campaign with a text for each phone. Raise Refused with 422, which names every error."""
    errors: Errors = {}
    messages = body.get("messages")
    if _is_good_list(messages, "messages", errors) and not _is_good_at_once(messages, settings):
        for row, message in enumerate(messages):
            _explain(row, message, settings, errors)
    options = _options(body, now, zone, errors)
    if errors or not isinstance(messages, list):
        raise Refused(invalid(errors))
    return Draft(
        [message["phone"] for message in messages],
        [transliterated(each["text"]) if each.get("transliterate") else each["text"] for each in messages],
        [message["sender"] for message in messages],
        [message.get("reference_id") for message in messages],
        *options,
    )


def check_one_text(body: Mapping[str, Any], settings: SandboxSettings, now: float, zone: float) -> Draft:
    """Return the draft of a campaign with one text for all phones. Raise Refused with 422, which names every error.

    BSG: POST /api/campaigns/sms/send.
    """
    errors: Errors = {}
    phones = body.get("phones")
    shared = {"sender": body.get("sender"), "text": body.get("text"), "transliterate": body.get("transliterate", False)}
    errors.update({name: faults for name, faults in _of_message(shared, settings).items() if name in shared})
    if _is_good_list(phones, "phones", errors):
        for row, phone in enumerate(phones):
            if not isinstance(phone, dict):
                errors[f"phones.{row}"] = ["The phone must be an object."]
                continue
            faults = _of_message({**phone, **shared, "phone": phone.get("number")}, settings)
            for name, document_name in (("phone", "number"), ("reference_id", "reference_id")):
                if name in faults:
                    errors[f"phones.{row}.{document_name}"] = faults[name]
    options = _options(body, now, zone, errors)
    if errors or not isinstance(phones, list):
        raise Refused(invalid(errors))
    size = len(phones)
    return Draft(
        [phone["number"] for phone in phones],
        [transliterated(body["text"]) if body.get("transliterate") else body["text"]] * size,
        [body["sender"]] * size,
        [phone.get("reference_id") for phone in phones],
        *options,
    )


def check_price(body: Mapping[str, Any], settings: SandboxSettings, connected: frozenset[int]) -> tuple[list[int], str]:
    """Return the phones and the text of a request for a price. Raise Refused with 422.

    `connected`: the account's tariffs. BSG: POST /api/campaigns/price.
    """
    errors: Errors = {}
    shared = {"sender": body.get("sender"), "text": body.get("text")}
    errors.update({name: faults for name, faults in _of_message(shared, settings).items() if name in shared})
    messages = body.get("messages")
    if _is_good_list(messages, "messages", errors):
        for row, message in enumerate(messages):
            faults = _of_message(message if isinstance(message, dict) else {}, settings)
            if "phone" in faults:
                errors[f"messages.{row}.phone"] = faults["phone"]
    tariff_code = _whole_number(body, "tariff_code", 0, 9, 0, errors)
    if errors or not isinstance(messages, list):
        raise Refused(invalid(errors))
    if tariff_code not in connected:
        raise Refused(json_response(422, {"message": "Tariff was not found", "errors": []}))
    return [message["phone"] for message in messages], str(body["text"])


def check_tariff(draft: Draft, connected: frozenset[int]) -> None:
    """Raise Refused with BSG's message if the account does not have the tariff."""
    if draft.tariff_code not in connected:
        raise Refused(message_response(422, "Tariff not found"))


def _is_good_list(rows: object, name: str, errors: Errors) -> TypeGuard[list[Any]]:
    if not isinstance(rows, list) or not rows:
        errors[name] = [f"The {name} field is required and must be a list that is not empty."]
        return False
    if len(rows) > MAX_MESSAGES:
        errors[name] = [f"The {name} may not have more than {MAX_MESSAGES} items."]
        return False
    return True


def _is_good_at_once(messages: list[Any], settings: SandboxSettings) -> bool:
    """Return whether all messages follow the rules. False: each message must be read to know."""
    if set(map(type, messages)) != {dict}:
        return False
    try:
        phones = [message["phone"] for message in messages]
        texts = [message["text"] for message in messages]
        senders = {message["sender"] for message in messages}
    except (KeyError, TypeError):
        return False
    if set(map(type, phones)) != {int} or min(phones) < MIN_PHONE or max(phones) > GREATEST_PHONE:
        return False
    if set(map(type, texts)) != {str} or not all(texts):
        return False
    if any(len(text) > ALWAYS_SHORT_ENOUGH and segments_of(text) > MAX_SEGMENTS for text in texts):
        return False
    if not all(_is_sender(sender, settings) for sender in senders):
        return False
    fields = sum(map(len, messages))
    if fields == _USUAL_FIELDS * len(messages):
        return True
    references = [message.get("reference_id", "") for message in messages]
    if fields != (_USUAL_FIELDS + 1) * len(messages) or set(map(type, references)) != {str}:
        return False
    joined = "".join(references)
    shortest, longest = min(map(len, references)), max(map(len, references))
    return shortest >= 1 and longest <= 32 and joined.isascii() and joined.isalnum()


def _explain(row: int, message: object, settings: SandboxSettings, errors: Errors) -> None:
    if not isinstance(message, dict):
        errors[f"messages.{row}"] = ["The message must be an object."]
        return
    for name, faults in _of_message(message, settings).items():
        errors[f"messages.{row}.{name}"] = faults


def _of_message(message: Mapping[str, Any], settings: SandboxSettings) -> Errors:
    errors: Errors = {}
    phone, sender, text = message.get("phone"), message.get("sender"), message.get("text")
    if phone is None:
        errors["phone"] = ["The phone field is required."]
    elif not is_phone(phone):
        errors["phone"] = ["The phone must be an integer of 9 to 15 digits."]
    if sender is None or sender == "":
        errors["sender"] = ["The sender field is required."]
    elif not _is_sender(sender, settings):
        errors["sender"] = [f"The sender must have {settings.sender_minimum} to 11 Latin characters, or to 15 digits."]
    if text is None or text == "":
        errors["text"] = ["The text field is required."]
    elif not isinstance(text, str):
        errors["text"] = ["The text must be a string."]
    elif len(text) > ALWAYS_SHORT_ENOUGH and _segments_as_sent(text, message) > MAX_SEGMENTS:
        errors["text"] = ["The text may not be longer than 765 Latin or 335 other characters."]
    if "reference_id" in message and not _is_reference(message["reference_id"]):
        errors["reference_id"] = ["The reference id must have 1 to 32 characters of a-z, A-Z and 0-9."]
    _whole_number(message, "tariff_code", 0, 9, 0, errors)
    if not isinstance(message.get("transliterate", False), bool):
        errors["transliterate"] = ["The transliterate field must be true or false."]
    return errors


def _is_sender(sender: object, settings: SandboxSettings) -> bool:
    if not isinstance(sender, str) or not _SENDER.fullmatch(sender):
        return False
    return len(sender) >= settings.sender_minimum


def is_phone(phone: object) -> TypeGuard[int]:
    """Return whether it is an integer of 9 to 15 digits."""
    return type(phone) is int and MIN_PHONE <= phone <= GREATEST_PHONE


def _segments_as_sent(text: str, message: Mapping[str, Any]) -> int:
    return segments_of(transliterated(text) if message.get("transliterate") is True else text)


def _is_reference(reference: object) -> bool:
    return isinstance(reference, str) and _REFERENCE.fullmatch(reference) is not None


def _options(
    body: Mapping[str, Any], now: float, zone: float, errors: Errors
) -> tuple[int, int, float | None, str | None, str | None]:
    tariff_code = _whole_number(body, "tariff_code", 0, 9, 0, errors)
    validity = _whole_number(body, "validity", 1, MAX_VALIDITY, MAX_VALIDITY, errors)
    # One table of BSG's page has the name start_code for the same field.
    written = body.get("start_at", body.get("start_code"))
    start_at: float | None = None
    if written is not None:
        try:
            start_at = parse_bsg_time(written, zone)
        except ValueError:
            errors["start_at"] = ["The start at does not match the format yyyy-mm-dd hh:mm:ss."]
        else:
            if start_at > now + START_AT_MOST_AHEAD:
                errors["start_at"] = ["The start at must be at most 30 days ahead."]
    callback_url = body.get("callback_url")
    if callback_url is not None and not (isinstance(callback_url, str) and _URL.fullmatch(callback_url)):
        errors["callback_url"] = ["The callback url format is invalid."]
    elif callback_url is not None and len(callback_url) > MAX_CALLBACK_URL:
        errors["callback_url"] = [f"The callback url may not be longer than {MAX_CALLBACK_URL} characters."]
    name = body.get("name")
    return tariff_code, validity, start_at, name if isinstance(name, str) else None, callback_url


def _whole_number(body: Mapping[str, Any], name: str, least: int, greatest: int, default: int, errors: Errors) -> int:
    value = body.get(name, default)
    if type(value) is int and least <= value <= greatest:
        return value
    errors[name] = [f"The {name.replace('_', ' ')} must be an integer between {least} and {greatest}."]
    return default
