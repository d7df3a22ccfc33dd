"""Filters and pages of the requests for lists. BSG: page, filter, sort, way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bsg_sandbox.clock import parse_bsg_time
from bsg_sandbox.responses import Refused, invalid

Errors = dict[str, list[str]]
THREE_MONTHS = 92 * 86_400
DEFAULT_LIMIT = 50
MAX_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Page:
    """The requested page of a list: `limit` rows after the first `offset` rows.

    `since` and `until` are in seconds since 1970, and both belong to the period. None: without that bound.
    """

    offset: int
    limit: int
    sort: str
    is_descending: bool
    since: float | None
    until: float | None

    def is_within(self, at: float) -> bool:
        """Return whether a time is in the period. Dates have whole seconds."""
        second = int(at)
        return (self.since is None or second >= self.since) and (self.until is None or second <= self.until)


def page_of(
    query: Mapping[str, str],
    zone: float,
    least_limit: int,
    sorts: tuple[str, ...],
    default_limit: int = DEFAULT_LIMIT,
) -> Page:
    """Return the page, the order and the period that a query asks for. Raise Refused with 422.

    `sorts`: the fields that it may sort by, the default first. `least_limit`: the smallest page that BSG allows.
    """
    errors: Errors = {}
    limit = _number(query, "page[limit]", default_limit, least_limit, MAX_LIMIT, errors)
    offset = _number(query, "page[offset]", 0, 0, 2**53, errors)
    sort, way = query.get("sort", sorts[0]), query.get("way", "asc")
    if sort not in sorts:
        errors["sort"] = [f"The sort must be one of {', '.join(sorts)}."]
    if way not in ("asc", "desc"):
        errors["way"] = ["The way must be asc or desc."]
    since = _time(query, "filter[from]", zone, errors)
    until = _time(query, "filter[to]", zone, errors)
    if since is not None and until is not None:
        if until < since:
            errors["filter.to"] = ["The filter to must not be before the filter from."]
        elif until - since > THREE_MONTHS:
            errors["filter.to"] = ["The period may not be longer than 3 months."]
    if errors:
        raise Refused(invalid(errors))
    return Page(offset, limit, sort, way == "desc", since, until)


def number_of(query: Mapping[str, str], name: str, least: int = 0) -> int | None:
    """Return a parameter that is a number; None if it is not given. Raise Refused with 422."""
    errors: Errors = {}
    found = _number(query, name, 0, least, 2**63, errors)
    if errors:
        raise Refused(invalid(errors))
    return found if name in query else None


def _number(query: Mapping[str, str], name: str, default: int, least: int, greatest: int, errors: Errors) -> int:
    written = query.get(name)
    if written is None:
        return default
    if written.isascii() and written.isdigit() and len(written) < 20 and least <= int(written) <= greatest:
        return int(written)
    field = name.replace("[", ".").replace("]", "")
    errors[field] = [f"The {field} must be an integer between {least} and {greatest}."]
    return default


def _time(query: Mapping[str, str], name: str, zone: float, errors: Errors) -> float | None:
    written = query.get(name)
    if written is None:
        return None
    try:
        return parse_bsg_time(written, zone)
    except ValueError:
        field = name.replace("[", ".").replace("]", "")
        errors[field] = [f"The {field} does not match the format yyyy-mm-dd hh:mm:ss."]
        return None
