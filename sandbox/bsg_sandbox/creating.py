"""Create campaigns, and calculate the price of one."""

from __future__ import annotations

import random
from typing import Any

from bsg_sandbox.accounts import Account, Mode
from bsg_sandbox.faults import Struck
from bsg_sandbox.presenting import campaign_resource
from bsg_sandbox.responses import Refused, Response, invalid, json_response, message_response, parsed_object
from bsg_sandbox.state import SandboxState
from bsg_sandbox.store import without_rows
from bsg_sandbox.texts import segments_of
from bsg_sandbox.validation import Draft, check_individual, check_one_text, check_price, check_tariff


def send_individual(state: SandboxState, account: Account, body: bytes, struck: Struck) -> Response:
    """Create a campaign with a text for each phone. BSG: POST /api/campaigns/sms/send-individual."""
    return _create(state, account, body, struck, individual=True)


def send(state: SandboxState, account: Account, body: bytes, struck: Struck) -> Response:
    """Create a campaign with one text for all phones. BSG: POST /api/campaigns/sms/send."""
    return _create(state, account, body, struck, individual=False)


def price(state: SandboxState, account: Account, body: bytes, struck: Struck) -> Response:
    """Return the price of a text to some phones. BSG: POST /api/campaigns/price."""
    phones, text = check_price(parsed_object(body), state.settings, account.tariffs)
    total = round(len(phones) * segments_of(text) * state.settings.price_per_segment, 7)
    if account.mode is Mode.TEST:
        total = round(random.Random(f"{state.settings.seed}:price:{len(phones)}").uniform(0, 100), 2)  # noqa: S311 - repeatable, not secret
    return json_response(200, {"price": total, "currency": state.settings.currency})


def zone_of(state: SandboxState, struck: Struck) -> float:
    """Return the zone of dates that are read and written, in hours east of UTC."""
    if "zone" in struck:
        return float(struck.option("zone", "offset_hours"))
    return state.settings.zone_offset_hours


def _create(state: SandboxState, account: Account, body: bytes, struck: Struck, *, individual: bool) -> Response:
    settings, now = state.settings, state.clock.now()
    if account.mode is Mode.DEMO:
        raise Refused(message_response(403, "DEMO accounts cannot create campaigns by API."))
    zone = zone_of(state, struck)
    if settings.sink:
        state.store.note_body(len(body))
        counted = body.count(b'"phone"' if individual else b'"number"')
        campaign = state.store.count_only(counted, account.key, now, settings)
        return json_response(200, {"data": campaign_resource(campaign, account, now, zone, is_new=True)})
    check = check_individual if individual else check_one_text
    draft = check(parsed_object(body), settings, now, zone)
    check_tariff(draft, account.tariffs)
    rows_name, phone_name = ("messages", "phone") if individual else ("phones", "number")
    if settings.phone_twice == "refuse":
        _refuse_phone_twice(draft, rows_name, phone_name)
    if account.mode is Mode.TEST:
        _refuse_unknown_countries(draft, account, rows_name, phone_name)
    if "rows_refused" in struck:
        _refuse_rows(draft, struck, rows_name)
    if "drop" in struck:
        rows = frozenset(struck.option("drop", "rows"))
        before = len(draft.phones)
        draft = without_rows(draft, rows)
        state.store.note_dropped(before - len(draft.phones))
    mode = struck.option("duplicates", "mode") if "duplicates" in struck else settings.duplicates
    campaign = state.store.keep(draft, account, state.accounts, now, settings, mode)
    state.store.note_body(len(body))
    state.callbacks.watch(campaign)
    return json_response(200, {"data": campaign_resource(campaign, account, now, zone, is_new=True)})


def _refuse_phone_twice(draft: Draft, rows_name: str, phone_name: str) -> None:
    if len(set(draft.phones)) == len(draft.phones):
        return
    seen: set[int] = set()
    errors: dict[str, list[str]] = {}
    for row, phone in enumerate(draft.phones):
        if phone in seen:
            errors[f"{rows_name}.{row}.{phone_name}"] = ["The phone is already in the messaging list."]
        seen.add(phone)
    raise Refused(invalid(errors))


def _refuse_unknown_countries(draft: Draft, account: Account, rows_name: str, phone_name: str) -> None:
    errors = {
        f"{rows_name}.{row}.{phone_name}": ["In TEST mode the phone must be in the Contact Book."]
        for row, phone in enumerate(draft.phones)
        if phone not in account.contact_book
    }
    if errors:
        raise Refused(invalid(errors))


def _refuse_rows(draft: Draft, struck: Struck, rows_name: str) -> None:
    phones: set[Any] = set(struck.option("rows_refused", "phones"))
    rows = {row for row in struck.option("rows_refused", "rows") if row < len(draft.phones)}
    if phones:
        rows.update(row for row, phone in enumerate(draft.phones) if phone in phones)
    if not rows:
        return
    name = struck.option("rows_refused", "field")
    errors = {f"{rows_name}.{row}.{name}": [f"The {name} is not allowed."] for row in sorted(rows)}
    if struck.option("rows_refused", "shape") == "list":
        raise Refused(invalid([f"{field}: {faults[0]}" for field, faults in errors.items()]))
    raise Refused(invalid(errors))
