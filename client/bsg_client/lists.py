"""Read BSG's lists page by page. An incomplete list is an error, because what it lacks counts as absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from math import ceil
from typing import Any, Generic, TypeVar

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import data_of, whole_number

Row = TypeVar("Row")

_PAGE = 500  # BSG's maximum
_MAX_PAGES = 2000


def listed(
    get: Callable[[Mapping[str, str]], Mapping[str, Any]],
    query: Mapping[str, str],
    read: Callable[[Any], Row | None],
) -> Iterator[Row]:
    """Yield the rows of a list, oldest first, so that rows which are added meanwhile do not move the remaining ones.

    `get` requests one page. Raise ReadFailed, also for a row that `read` cannot read, and for a list that repeats a
    page.
    """
    offset = 0
    first_of_last_page: Row | None = None
    for _ in range(_MAX_PAGES):
        content = get(_page_of(query, offset, "asc"))
        rows = _entries(content)
        for index, entry in enumerate(rows):
            row = _readable(entry, read)
            if index == 0:
                if row == first_of_last_page:  # guard: list-goes-on
                    raise ReadFailed("a list that does not go on", status=200)
                first_of_last_page = row
            yield row
        offset += len(rows)
        total = _total(content)
        # Without a total, only an empty page ends the list.
        if not rows or (total is not None and total <= offset):  # guard: list-to-its-end
            return
    raise ReadFailed("a list without an end", status=200)


class NewestFirst(Generic[Row]):
    """A list that is read from its newest row backwards, one page a call.

    Each page begins with the last row of the one before, so that rows which are added meanwhile make no gap. If the
    server ignores the order, `page` raises ReadFailed with the status 200. `ended`: the oldest row has been read.
    `lowest`: the number of the oldest row that has been read; None before the first. `pages_left`: about how many
    pages follow by the server's total; None if that is unknown.
    """

    def __init__(
        self,
        get: Callable[[Mapping[str, str]], Mapping[str, Any]],
        query: Mapping[str, str],
        read: Callable[[Any], Row | None],
        number: Callable[[Row], int | None],
    ) -> None:
        self.ended = False
        self.lowest: int | None = None
        self.pages_left: int | None = None
        self._get, self._query, self._read, self._number = get, query, read, number
        self._offset = 0
        self._first_of_last_page: int | None = None

    def page(self) -> list[Row]:
        """Return the new rows of the next page. After a ReadFailed, the next call requests the same page."""
        begin = max(0, self._offset - 1)
        content = self._get(_page_of(self._query, begin, "desc"))
        rows = [_readable(entry, self._read) for entry in _entries(content)]
        numbers = [self._number(row) for row in rows]
        known = [number for number in numbers if number is not None]
        # guard: list-in-order
        if len(known) < len(numbers) or any(later <= earlier for later, earlier in pairwise(known)):
            raise ReadFailed("a list that is not in the order that was asked for", status=200)
        if self.lowest is not None and (not known or known[0] < self.lowest):  # guard: list-without-gap
            raise ReadFailed("a list with a gap", status=200)
        fresh = [row for row, number in zip(rows, known, strict=True) if self.lowest is None or number < self.lowest]
        # Only a page without new rows ends the list: the total may be a limit of the server's.
        self.ended = not fresh and len(rows) <= 1
        if not fresh and not self.ended and known[0] == self._first_of_last_page:
            raise ReadFailed("a list that does not go on", status=200)
        if known:
            self._first_of_last_page = known[0]
            self.lowest = known[-1] if self.lowest is None else min(self.lowest, known[-1])
        self._offset = begin + len(rows)
        total = _total(content)
        # One more than BSG counts: the page without new rows, which ends the list.
        self.pages_left = None if total is None or begin >= total else 1 + ceil(max(0, total - self._offset) / _PAGE)
        return fresh


def _page_of(query: Mapping[str, str], offset: int, way: str) -> dict[str, str]:
    return {**query, "page[offset]": str(offset), "page[limit]": str(_PAGE), "sort": "id", "way": way}


def _entries(content: Mapping[str, Any]) -> list[Any]:
    rows = data_of(content)
    if not isinstance(rows, list):  # guard: list-is-a-list
        raise ReadFailed("a list that is none", status=200)
    return rows


def _readable(entry: Any, read: Callable[[Any], Row | None]) -> Row:
    row = read(entry)
    if row is None:
        # guard: unreadable-row-fails
        raise ReadFailed("an unreadable row in a list", status=200)
    return row


def _total(content: Mapping[str, Any]) -> int | None:
    """Return the number of rows by BSG's count; None if BSG does not show it."""
    meta = content.get("meta")
    page = meta.get("page") if isinstance(meta, Mapping) else None
    return whole_number(page.get("total")) if isinstance(page, Mapping) else None
