"""BSG's responses as values. A field that is missing or of an undocumented type becomes None, not an error.

Times are as BSG prints them, without a zone: only a setting names the zone. Phones and texts are not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

_MAX_WORD = 64
_LARGEST_NUMBER = 2**63 - 1  # the largest id of any database


@dataclass(frozen=True, slots=True)
class CampaignResponse:
    """A campaign as BSG lists it. `status` and `price` are as BSG prints them. The status may be unknown here."""

    id: int
    status: str
    start_at: datetime | None
    created_at: datetime | None
    statistics: dict[str, int]
    price: str | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class CampaignDetail(CampaignResponse):
    """A campaign's details. `total_messages` is how many of its messages BSG has."""

    total_messages: int | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message as BSG lists it."""

    id: int | None
    campaign_id: int | None
    reference_id: str | None
    status: str
    created_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    price: str | None
    currency: str | None
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StatisticsRow:
    """One message in a statistics job. `status` is in small letters, as in a `MessageRow`."""

    phone: str = field(repr=False)
    text: str = field(repr=False)
    status: str
    price: str | None
    currency: str | None
    sent_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Balance:
    """The account's balance, and how far it may go below zero."""

    balance: Decimal
    credit: Decimal
    currency: str | None


@dataclass(frozen=True, slots=True)
class StopListPage:
    """A page of BSG's stop list: the phones for SMS, the number of all its rows, and BSG's total for the list."""

    phones: tuple[str, ...] = field(repr=False)
    rows: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Price:
    amount: Decimal
    currency: str | None


@dataclass(frozen=True, slots=True)
class Sender:
    """A registered sender. `status` is as BSG prints it: active, blocked, registering. `country` may be ""."""

    name: str
    status: str
    country: str


_PHONE = re.compile(r"[0-9]{9,15}")


def decode(body: bytes) -> Any:
    """Return the JSON of a body; None if it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def data_of(response: Any) -> Any:
    """Return the content of `data`; None if there is none."""
    return response.get("data") if isinstance(response, Mapping) else None


def campaign_response(data: Any) -> CampaignResponse | None:
    """Return a campaign; None unless it is an object with a positive whole number as its id."""
    bsg_id = whole_number(data.get("id")) if isinstance(data, Mapping) else None
    if bsg_id is None or bsg_id <= 0:  # guard: positive-campaign-id
        return None
    return CampaignResponse(id=bsg_id, **_shared(data))


def campaign_detail(data: Any, bsg_id: int) -> CampaignDetail | None:
    """Return a campaign's details; None unless it is an object with a status.

    The documents show no `id` in it, so `bsg_id` is the id in the request.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("status"), str):
        return None
    return CampaignDetail(
        id=bsg_id,
        **_shared(data),
        total_messages=whole_number(data.get("total_messages")),
        started_at=_time(data.get("actual_start_at")) or _time(data.get("real_start_at")),
        finished_at=_time(data.get("finished_at")),
    )


def message_row(data: Any) -> MessageRow | None:
    """Return a message; None if it is not an object."""
    if not isinstance(data, Mapping):
        return None
    amount = data.get("amount")
    amount = amount if isinstance(amount, Mapping) else {}
    return MessageRow(
        id=whole_number(data.get("id")),
        campaign_id=whole_number(data.get("campaign_id")),
        reference_id=_word(data.get("reference_id")),
        status=_word(data.get("status")) or "",
        created_at=_time(data.get("created_at")),
        sent_at=_time(data.get("sent_at")),
        delivered_at=_time(data.get("delivered_at")),
        price=_price(amount.get("value")),
        currency=_word(amount.get("currency")),
        phone=_digits(data.get("phone")),
    )


def statistics_row(data: Any) -> StatisticsRow | None:
    """Return a row of a statistics job; None unless it is an object with a phone."""
    phone = _digits(data.get("msisdn")) if isinstance(data, Mapping) else None
    if not phone:
        return None
    text = data.get("body")
    return StatisticsRow(
        phone=phone,
        text=text if isinstance(text, str) else "",
        status=(_word(data.get("status")) or "").lower(),
        price=_price(data.get("price")),
        currency=_word(data.get("currency")),
        sent_at=_time(data.get("time_sent")),
        delivered_at=_time(data.get("time_dlr")),
    )


def price_response(data: Any) -> Price | None:
    """Return a price; None unless it is an object with a number as its price."""
    if not isinstance(data, Mapping) or (amount := _decimal(data.get("price"))) is None:
        return None
    return Price(amount, _word(data.get("currency")))


def balance_response(data: Any) -> Balance | None:
    """Return the balance; None unless it is an object with a number as its balance."""
    if not isinstance(data, Mapping) or (balance := _decimal(data.get("balance"))) is None:
        return None
    return Balance(balance, _decimal(data.get("credit")) or Decimal(0), _word(data.get("currency")))


def sender_response(data: Any) -> Sender | None:
    """Return a sender; None unless it is an object with a name."""
    name = _word(data.get("sender")) if isinstance(data, Mapping) else None
    if not name:
        return None
    return Sender(name, _word(data.get("status")) or "", _word(data.get("country")) or "")


def stop_list_page(content: Mapping[str, Any]) -> StopListPage | None:
    """Return a page of the stop list; None unless it has a list of rows. Rows without a phone are skipped."""
    rows = data_of(content)
    if not isinstance(rows, list):
        return None
    # BSG may ignore the filter by type, so read the type of each row.
    of_sms = (row for row in rows if isinstance(row, Mapping) and row.get("sms_stoplist", True) is not False)
    phones = tuple(phone for row in of_sms if (phone := _digits(row.get("phone"))) and _PHONE.fullmatch(phone))
    return StopListPage(phones, len(rows), whole_number(content.get("total")))


def whole_number(value: Any) -> int | None:
    """Return a whole number of 64 bits, also from a text; None for anything else, such as true and false."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_WORD:
        value = int(value)
    return value if isinstance(value, int) and abs(value) <= _LARGEST_NUMBER else None


def printable(text: str, longest: int) -> str:
    """Return at most `longest` characters of a text, without lone surrogates, which JSON can contain."""
    return text[:longest].encode("utf-8", "replace").decode()


def _shared(data: Mapping[str, Any]) -> dict[str, Any]:
    price = _price_of(data)
    started = next((data[name] for name in ("start_at", "started_at", "start_date") if data.get(name)), None)
    return {
        "status": _word(data.get("status")) or "",
        "start_at": _time(started),
        "created_at": _time(data.get("created_at")),
        "statistics": _statistics(data.get("statistics")),
        "price": _price(price),
        "currency": _word(data.get("currency")),
    }


def _price_of(data: Mapping[str, Any]) -> Any:
    price = next((data[name] for name in ("calculated_price", "total_price") if data.get(name) is not None), None)
    # BSG: "price defined only as the response to create campaign". A campaign that is read has price 0 without a
    # currency. That must not replace the price at creation, which max_cost limits.
    return None if _decimal(price) == 0 and data.get("currency") is None else price  # guard: untold-price


def _statistics(value: Any) -> dict[str, int]:
    # PHP prints an empty map as an array.
    if not isinstance(value, Mapping):
        return {}
    counts = ((printable(name, _MAX_WORD), whole_number(count)) for name, count in value.items())
    return {name: count for name, count in counts if count is not None}


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    # BSG prints no zone. A time with a zone could not be compared with the others.
    return moment if moment.tzinfo is None else None


def _word(value: Any) -> str | None:
    return printable(value, _MAX_WORD) if isinstance(value, str) else None


def _digits(value: Any) -> str | None:
    """Return the digits of a phone, which may come as a number or as a text."""
    number = whole_number(value)
    return str(number) if number is not None else _word(value)


def _price(value: Any) -> str | None:
    return printable(str(value), _MAX_WORD) if _decimal(value) is not None else None


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = Decimal(str(value)[:_MAX_WORD])
    except InvalidOperation:
        return None
    # An amount that is too large could not be added to another one.
    return number if number.is_finite() and abs(number.adjusted()) < _MAX_WORD else None
