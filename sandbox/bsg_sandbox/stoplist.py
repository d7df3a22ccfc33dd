"""The stop list of an account: phones of people who opted out. BSG: Stop list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter, eq, ge, gt, le, lt
from typing import Any

from bsg_sandbox.accounts import Account
from bsg_sandbox.clock import format_bsg_time, parse_bsg_time
from bsg_sandbox.contacts import Contact
from bsg_sandbox.queries import Errors, number_of, page_of
from bsg_sandbox.responses import Refused, Response, invalid, json_response, parsed_object
from bsg_sandbox.state import SandboxState
from bsg_sandbox.validation import is_phone

TYPES = ("sms", "viber", "rcs", "whatsapp")
MAX_ATTACHED = 1_000
MAX_DETACHED = 200
MIN_LIMIT = 15
DEFAULT_LIMIT = 20
SORTS = ("id", "phone")
SEARCH_FIELDS = ("id", "phone", "created_at", "type")
MAX_SEARCH_CONDITIONS = 10
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {"=": eq, ">=": ge, ">": gt, "<": lt, "<=": le}


def attach(state: SandboxState, account: Account, query: Mapping[str, str], body: bytes) -> Response:
    """Add phones to the stop list. BSG: POST /api/stoplist/attach."""
    order, errors = parsed_object(body), Errors()
    phones = _listed(order, "phones", MAX_ATTACHED, is_phone, "a phone of 9 to 15 digits", errors)
    types = _listed(order, "types", len(TYPES), TYPES.__contains__, f"one of {', '.join(TYPES)}", errors)
    if errors:
        raise Refused(invalid(errors))
    added = state.stop_list_of(account.key).attach(phones, types, state.clock.now())
    return json_response(200, {"data": [_presented(contact, state) for contact in added]})


def detach(state: SandboxState, account: Account, query: Mapping[str, str], body: bytes) -> Response:
    """Remove contacts from the stop list. BSG: POST /api/stoplist/detach."""
    order, errors = parsed_object(body), Errors()
    ids = _listed(order, "ids", MAX_DETACHED, lambda found: type(found) is int, "an integer", errors)
    types = _listed(order, "types", len(TYPES), TYPES.__contains__, f"one of {', '.join(TYPES)}", errors)
    if errors:
        raise Refused(invalid(errors))
    state.stop_list_of(account.key).detach(ids, types)
    return json_response(200, {})


def items(state: SandboxState, account: Account, query: Mapping[str, str], body: bytes) -> Response:
    """Return a page of the stop list. BSG: GET /api/stoplist."""
    page = page_of(query, state.settings.zone_offset_hours, MIN_LIMIT, ("id",), DEFAULT_LIMIT)
    wanted = query.get("type")
    if wanted is not None and wanted not in TYPES:
        raise Refused(invalid({"type": [f"The type must be one of {', '.join(TYPES)}."]}))
    found = [each for each in state.stop_list_of(account.key).contacts() if wanted is None or wanted in each.types]
    rows = found[page.offset : page.offset + page.limit]
    return json_response(200, {"total": len(found), "data": [_presented(contact, state) for contact in rows]})


def search(state: SandboxState, account: Account, query: Mapping[str, str], body: bytes) -> Response:
    """Return the contacts that fit a search. BSG: GET /api/stoplist/search.

    There are no contact lists, so no contact is in one.
    """
    page = page_of(query, state.settings.zone_offset_hours, MIN_LIMIT, SORTS)
    conditions = [_condition(query, "search", state)]
    conditions += [_condition(query, f"search_fields[{number}]", state) for number in range(MAX_SEARCH_CONDITIONS)]
    in_list = number_of(query, "contact_group_id")
    found = [] if in_list is not None else state.stop_list_of(account.key).contacts()
    found = [contact for contact in found if all(condition(contact) for condition in conditions)]
    found.sort(key=attrgetter(page.sort), reverse=page.is_descending)
    rows = found[page.offset : page.offset + page.limit]
    meta: dict[str, Any] = {"page": {"total": len(found), "limit": page.limit, "offset": page.offset}}
    if "search[field]" in query:
        names = ("field", "operator", "value")
        meta["search"] = {name: query.get(f"search[{name}]", "=" if name == "operator" else "") for name in names}
    return json_response(200, {"data": [_presented(contact, state) for contact in rows], "meta": meta})


def _presented(contact: Contact, state: SandboxState) -> dict[str, Any]:
    return {
        "id": contact.id,
        "phone": contact.phone,
        "created_at": format_bsg_time(contact.created_at, state.settings.zone_offset_hours),
        "sms_stoplist": "sms" in contact.types,
        "viber_stoplist": "viber" in contact.types,
        "rcs_stoplist": "rcs" in contact.types,
    }


def _listed(
    order: Mapping[str, Any], name: str, most: int, is_good: Callable[[Any], bool], what: str, errors: Errors
) -> Sequence[Any]:
    found = order.get(name)
    if not isinstance(found, list):
        errors[name] = [f"The {name} field must be an array."]
        return ()
    if len(found) > most:
        errors[name] = [f"The {name} may not have more than {most} items."]
        return ()
    for index, each in enumerate(found):
        if not isinstance(each, int | str) or not is_good(each):
            errors[f"{name}.{index}"] = [f"The {name}.{index} must be {what}."]
    return found


def _condition(query: Mapping[str, str], prefix: str, state: SandboxState) -> Callable[[Contact], bool]:
    """Return a function that selects contacts. A search without a value selects all. Raise Refused with 422."""
    name, value = query.get(f"{prefix}[field]"), query.get(f"{prefix}[value]")
    operator = query.get(f"{prefix}[operator]", "=")
    errors: Errors = {}
    if name is not None and name not in SEARCH_FIELDS:
        errors[f"{prefix}.field"] = [f"The field must be one of {', '.join(SEARCH_FIELDS)}."]
    if operator != "like" and operator not in _COMPARISONS:
        errors[f"{prefix}.operator"] = [f"The operator must be one of {', '.join(('like', *_COMPARISONS))}."]
    if errors:
        raise Refused(invalid(errors))
    if name is None or value is None:
        return lambda contact: True
    if operator == "like":
        return lambda contact: any(value in written for written in _written(contact, name, state))
    compare = _COMPARISONS[operator]
    if name == "type":
        return lambda contact: any(compare(each, value) for each in contact.types)
    try:
        wanted = parse_bsg_time(value, state.settings.zone_offset_hours) if name == "created_at" else int(value)
    except ValueError:
        return lambda contact: False
    if name == "created_at":
        return lambda contact: compare(int(contact.created_at), wanted)
    return lambda contact: compare(getattr(contact, name), wanted)


def _written(contact: Contact, name: str, state: SandboxState) -> Iterable[str]:
    if name == "type":
        return contact.types
    if name == "created_at":
        return (format_bsg_time(contact.created_at, state.settings.zone_offset_hours),)
    return (str(getattr(contact, name)),)
