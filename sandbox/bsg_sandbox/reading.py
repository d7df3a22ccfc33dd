"""Read campaigns, messages, balance and tariffs, and stop a campaign."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from bsg_sandbox.accounts import Account, Mode
from bsg_sandbox.campaigns import CAN_BE_STOPPED, Campaign
from bsg_sandbox.creating import zone_of
from bsg_sandbox.faults import Struck
from bsg_sandbox.presenting import campaign_resource, detail_resource, message_resource
from bsg_sandbox.queries import Errors, Page, number_of, page_of
from bsg_sandbox.responses import Refused, Response, invalid, json_response, message_response
from bsg_sandbox.state import SandboxState

Query = Mapping[str, str]
CAMPAIGN_SORTS = ("id", "sender", "type", "date", "status")
CAMPAIGN_TYPES = ("sms", "rcs", "whatsapp")
CAMPAIGN_SEARCHES: Mapping[str, Callable[[Campaign], str]] = {
    "sender": attrgetter("sender"),
    "taskname": attrgetter("name"),
}
MAX_SEARCH_VALUE = 255
MESSAGE_SORTS = ("id", "phone", "delivered")
MIN_CAMPAIGN_LIMIT = 30
MIN_MESSAGE_LIMIT = 15
FIRST_TARIFF_ID = 50_000


def campaign(state: SandboxState, account: Account, campaign_id: int, struck: Struck) -> Response:
    """Return a campaign. BSG: GET /api/campaigns/{id}."""
    found = _found(state, account, campaign_id)
    now = state.clock.now()
    return json_response(200, {"data": campaign_resource(found, account, now, zone_of(state, struck))})


def detail(state: SandboxState, account: Account, campaign_id: int, struck: Struck) -> Response:
    """Return a campaign with its totals and statistics. BSG: GET /api/campaigns/{id}/detail."""
    found = _found(state, account, campaign_id)
    slow = float(struck.option("slow_totals", "seconds")) if "slow_totals" in struck else 0.0
    now = state.clock.now()
    return json_response(200, {"data": detail_resource(found, account, now, zone_of(state, struck), slow)})


def stop(state: SandboxState, account: Account, campaign_id: int, struck: Struck) -> Response:
    """Stop a campaign; 422 in a status in which BSG stops none. BSG: PATCH /api/campaigns/{id}/stop."""
    found = _found(state, account, campaign_id)
    now = state.clock.now()
    status = found.status(now)
    if status not in CAN_BE_STOPPED and not (status == "creation" and state.settings.stop_in_creation):
        raise Refused(json_response(422, {"message": "Invalid campaign status", "errors": []}))
    found.stopped_at, found.forced_status = now, None
    return json_response(200, {"data": campaign_resource(found, account, now, zone_of(state, struck))})


def campaigns(state: SandboxState, account: Account, query: Query, struck: Struck) -> Response:
    """Return a page of the account's campaigns. BSG: GET /api/campaigns."""
    zone = zone_of(state, struck)
    page = page_of(query, zone, MIN_CAMPAIGN_LIMIT, CAMPAIGN_SORTS)
    kind, is_found, now = query.get("filter[type]", "sms"), _campaign_search(query), state.clock.now()
    found = state.store.campaigns_of(account.key)
    if "ignored_filters" not in struck:
        found = [c for c in found if kind == "sms" and page.is_within(c.timeline.created_at) and is_found(c)]
    if page.sort == "sender":
        found.sort(key=attrgetter("sender"))
    if page.sort == "status":
        found.sort(key=lambda each: each.status(now))
    if page.is_descending:
        found.reverse()
    rows = found[page.offset : page.offset + page.limit]
    return _listed([campaign_resource(row, account, now, zone) for row in rows], len(found), page)


def messages(state: SandboxState, account: Account, query: Query, struck: Struck) -> Response:
    """Return a page of the account's messages. BSG: GET /api/messages."""
    zone = zone_of(state, struck)
    page = page_of(query, zone, MIN_MESSAGE_LIMIT, MESSAGE_SORTS)
    filters = {} if "ignored_filters" in struck else query
    late = float(struck.option("late_visibility", "seconds")) if "late_visibility" in struck else 0.0
    now = state.clock.now()
    ranges = [
        (found, rows)
        for found, rows in _message_ranges(state, account, filters)
        if now - found.timeline.created_at >= late
        and ("ignored_filters" in struck or page.is_within(found.timeline.created_at))
    ]
    total = sum(len(rows) for _, rows in ranges)
    texts: dict[int, list[str]] = {}
    responded: list[dict[str, Any]] = []
    for found, row in _page_of_messages(ranges, page, now):
        if found.id not in texts:
            texts[found.id] = found.texts.all()
        responded.append(message_resource(found, row, texts[found.id][row], account, now, zone))
    return _listed(responded, total, page)


def balance(state: SandboxState, account: Account, query: Query) -> Response:
    """Return the account's balance and credit; random amounts in TEST mode. BSG: GET /api/accounts/balance."""
    amount = account.balance
    if account.mode is Mode.TEST:
        amount = round(random.Random(f"{state.settings.seed}:balance").uniform(0, 1000), 2)  # noqa: S311 - repeatable, not secret
    document = {"balance": amount, "currency": state.settings.currency, "credit": account.credit}
    return json_response(200, {"data": document})


def tariff(state: SandboxState, account: Account, query: Query) -> Response:
    """Return a page of the account's tariffs. BSG: GET /api/accounts/tariff."""
    page = page_of(query, 0.0, MIN_MESSAGE_LIMIT, ("id",))
    connected = [
        {
            "id": FIRST_TARIFF_ID + code,
            "name": f"Tariff {code}",
            "code": code,
            "is_active": True,
            "is_default": index == 0,
        }
        for index, code in enumerate(sorted(account.tariffs))
    ]
    rows = connected[page.offset : page.offset + page.limit]
    return json_response(200, {"data": rows, "total": len(connected)})


def _campaign_search(query: Query) -> Callable[[Campaign], bool]:
    """Return a function that selects campaigns by `filter[type]` and `search[…]`. Raise Refused with 422."""
    errors: Errors = {}
    name, value = query.get("search[field]"), query.get("search[value]")
    if query.get("filter[type]", "sms") not in CAMPAIGN_TYPES:
        errors["filter.type"] = [f"The filter type must be one of {', '.join(CAMPAIGN_TYPES)}."]
    if name is not None and name not in CAMPAIGN_SEARCHES:
        errors["search.field"] = [f"The search field must be one of {', '.join(CAMPAIGN_SEARCHES)}."]
    if value is not None and not 1 <= len(value) <= MAX_SEARCH_VALUE:
        errors["search.value"] = [f"The search value must have 1 to {MAX_SEARCH_VALUE} characters."]
    if errors:
        raise Refused(invalid(errors))
    if name is None or value is None:
        return lambda campaign: True
    return lambda campaign: CAMPAIGN_SEARCHES[name](campaign) == value


def _found(state: SandboxState, account: Account, campaign_id: int) -> Campaign:
    found = state.store.campaign(campaign_id, account.key)
    if found is None:
        raise Refused(message_response(404, "Not found."))
    return found


def _message_ranges(state: SandboxState, account: Account, query: Query) -> list[tuple[Campaign, range]]:
    """Return the campaigns and their rows that the filters select, without reading each message."""
    campaign_id, message_id = number_of(query, "filter[campaign_id]"), number_of(query, "filter[id]", 1)
    reference = query.get("filter[reference_id]")
    if message_id is not None:
        holder = state.store.with_message(message_id)
        row = 0 if holder is None else message_id - holder.first_message_id
        found = [] if holder is None else [(holder, range(row, row + 1))]
    elif reference is not None:
        found = [
            (holder, range(row, row + 1))
            for holder in state.store.with_reference(reference)
            for row, taken in enumerate(holder.references)
            if taken == reference
        ]
    elif campaign_id is not None:
        one = state.store.campaign(campaign_id, account.key)
        found = [] if one is None else [(one, range(len(one.phones)))]
    else:
        found = [(one, range(len(one.phones))) for one in state.store.campaigns_of(account.key)]
    return [
        (holder, rows)
        for holder, rows in found
        if holder.key == account.key
        and (campaign_id is None or holder.id == campaign_id)
        and (reference is None or holder.references[rows.start] == reference)
    ]


def _page_of_messages(ranges: list[tuple[Campaign, range]], page: Page, now: float) -> Iterator[tuple[Campaign, int]]:
    if page.sort in ("phone", "delivered"):
        rows = [(found, row) for found, every in ranges for row in every]
        if page.sort == "phone":
            rows.sort(key=lambda each: each[0].phones[each[1]])
        else:
            rows.sort(key=lambda each: each[0].message_time(each[1], now, each[0].delivery_seconds) or 0.0)
        if page.is_descending:
            rows.reverse()
        yield from rows[page.offset : page.offset + page.limit]
        return
    skipped, left = page.offset, page.limit
    for found, every in reversed(ranges) if page.is_descending else ranges:
        ordered = every[::-1] if page.is_descending else every
        taken = ordered[skipped : skipped + left]
        skipped = max(0, skipped - len(every))
        left -= len(taken)
        for row in taken:
            yield found, row
        if left == 0:
            return


def _listed(rows: list[dict[str, Any]], total: int, page: Page) -> Response:
    meta = {"page": {"total": total, "limit": page.limit, "offset": page.offset}}
    return json_response(200, {"data": rows, "meta": meta})
