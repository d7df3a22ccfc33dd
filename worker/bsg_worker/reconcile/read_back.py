"""Read BSG's newest messages once for many doubts: a page decides about hundreds of reference ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bsg_client.lists import NewestFirst
from bsg_client.responses import MessageRow
from bsg_config import clock
from bsg_worker.row_requests import RowRequests

MIN_LOOK_UPS = 10  # fewer reference ids are looked up one by one
FAILURES_IN_A_ROW = 5
MIN_AT_ONCE = 2.0  # under a lower rate limit, single look-ups would delay the pages
SOON_SECONDS = 2.0  # what the rest of the list shows then takes no further requests

Made = Callable[[datetime], tuple[datetime, timedelta]]
"""A function from a printed time to the real time, and to its possible difference from this clock."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """Reference ids of one batch, and the time before which messages do not matter.

    `older_too`: older messages with these ids matter too, so only a hit decides about them.
    """

    reference_ids: Sequence[str]
    since: datetime
    older_too: bool = False


LookUp = Callable[[Sequence[Wanted]], Collection[Wanted]]
"""A function that looks batches up, several at once, and returns those that are decided."""


@dataclass(frozen=True, slots=True)
class ReadBack:
    """`by_reference` has an empty entry for an id that BSG lacks, and no entry for one that has to be looked up.

    `totals` counts the messages of the rows' BSG campaigns.
    """

    by_reference: Mapping[str, Sequence[MessageRow]] = field(default_factory=dict)
    totals: Mapping[int, int] = field(default_factory=dict)


def read_back(
    newest: NewestFirst[MessageRow],
    wanted: Sequence[Wanted],
    made: Made,
    reads: RowRequests,
    look_up: LookUp | None = None,
) -> ReadBack:
    """Read until all ids are decided, or until single look-ups would take less time.

    `look_up` is called after each page for the batches that the page shows, so that a process which is killed has
    recorded what it found. It is not called if the rate limit allows no requests at once, or if the list ends soon.
    Without it, the ids are looked up one by one after the reading.
    """
    names = {name for one in wanted for name in one.reference_ids}
    found: dict[str, list[MessageRow]] = {}
    counted = Counter[int]()
    left, covered = list(wanted), list[Wanted]()
    pages = failures = 0
    seconds, at_once = 0.0, 1.0
    while not reads.over and _is_worth_a_page(left, pages, newest.pages_left, at_once):
        began = clock.monotonic()
        with reads.one() as read:
            rows = newest.page()
        seconds += clock.monotonic() - began
        if read.failure is not None:
            failures += 1
            if reads.over or read.failure.status == 200 or failures >= FAILURES_IN_A_ROW:  # guard: list-unlike-request
                break  # a list that ignores the request's order proves nothing
            continue
        pages, failures = pages + 1, 0
        at_once = reads.at_once(seconds / pages) if look_up is not None else 1.0
        counted.update(row.campaign_id for row in rows if row.campaign_id is not None)
        for row in rows:
            if row.reference_id in names:
                found.setdefault(row.reference_id or "", []).append(row)
        back_to = _back_to(rows, made)
        # guard: unread-is-looked-up
        covered += [one for one in left if newest.ended or (back_to is not None and back_to < one.since)]
        left = [one for one in left if not newest.ended and (back_to is None or back_to >= one.since)]
        shown = names.intersection(row.reference_id or "" for row in rows)
        seen = [one for one in left if not shown.isdisjoint(one.reference_ids)]
        ends_soon = newest.pages_left is not None and newest.pages_left * seconds / pages < SOON_SECONDS
        if seen and look_up is not None and at_once >= MIN_AT_ONCE and not ends_soon:
            decided = look_up(seen)
            left = [one for one in left if one not in decided]
    by_reference = {
        name: found.get(name, [])
        for one in covered
        for name in one.reference_ids
        if name in found or not one.older_too  # guard: older-id-looked-up
    }
    campaigns = {row.campaign_id for rows in by_reference.values() for row in rows}
    return ReadBack(by_reference, {bsg_id: counted[bsg_id] for bsg_id in campaigns if bsg_id is not None})


def _is_worth_a_page(left: Sequence[Wanted], pages: int, pages_left: int | None, at_once: float) -> bool:
    """Return whether to read on: while that has taken, or will take, less time than looking up what is left."""
    look_ups = sum(len(one.reference_ids) for one in left)
    reading = 2 * pages if pages_left is None else min(2 * pages, pages_left)
    return look_ups >= max(MIN_LOOK_UPS, reading * at_once)


def _back_to(rows: Sequence[MessageRow], made: Made) -> datetime | None:
    """Return the time since which all messages have been read; None if the page does not show it."""
    if not rows or any(row.created_at is None for row in rows):  # guard: row-without-time
        return None
    # guard: read-back-far-enough
    return max(moment + margin for moment, margin in (made(row.created_at) for row in rows if row.created_at))
