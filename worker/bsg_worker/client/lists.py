"""BSG's lists, page by page. One that is not read whole is an error: what is not in it counts as absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from bsg_worker.client.answers import data_of, whole_number
from bsg_worker.client.outcomes import ReadFailed

Row = TypeVar("Row")

_PAGE = 500  # the most that BSG gives at once
_MOST_PAGES = 2000


def listed(
    get: Callable[[Mapping[str, str]], Mapping[str, Any]],
    query: Mapping[str, str],
    read: Callable[[Any], Row | None],
) -> Iterator[Row]:
    """The rows of a list, oldest first, so that what is added meanwhile does not move what is still to come.

    `get` asks for one page. Raises ReadFailed, also for a row that `read` cannot read and for a list that
    repeats itself instead of going on.
    """
    offset = 0
    first_of_last_page: Row | None = None
    for _ in range(_MOST_PAGES):
        content = get({**query, "page[offset]": str(offset), "page[limit]": str(_PAGE), "sort": "id", "way": "asc"})
        rows = data_of(content)
        if not isinstance(rows, list):
            raise ReadFailed("a list that is none", status=200)
        for place, entry in enumerate(rows):
            row = read(entry)
            if row is None:
                raise ReadFailed("an unreadable row in a list", status=200)
            if place == 0:
                if row == first_of_last_page:
                    raise ReadFailed("a list that does not go on", status=200)
                first_of_last_page = row
            yield row
        offset += len(rows)
        if not rows or _total(content, offset) <= offset:
            return
    raise ReadFailed("a list without an end", status=200)


def _total(content: Mapping[str, Any], read_so_far: int) -> int:
    """How long BSG says that the list is; where it does not say, one more than we have: only an empty page
    ends it.
    """
    meta = content.get("meta")
    page = meta.get("page") if isinstance(meta, Mapping) else None
    total = whole_number(page.get("total")) if isinstance(page, Mapping) else None
    return read_so_far + 1 if total is None else total
