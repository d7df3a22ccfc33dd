"""How far back BSG's newest messages are read, and what they decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest.mock import patch

import pytest

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import MessageRow
from bsg_config import clock
from bsg_sandbox.server import Sandbox
from bsg_worker.reconcile.read_back import LookUp, ReadBack, Wanted, read_back
from bsg_worker.row_requests import RowRequests
from tests.worker.harness import WorkerHarness

NOW = datetime(2026, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def row(number: int, reference_id: str, age: timedelta, *, campaign_id: int = 7) -> MessageRow:
    return MessageRow(number, campaign_id, reference_id, "sent", NOW - age, None, None, None, None)


class Newest:
    """BSG's messages, a page at a call; a failure stands for a page that does not come."""

    def __init__(self, *pages: Sequence[MessageRow] | ReadFailed) -> None:
        self.ended = False
        self.pages_left: int | None = None
        self.asked = 0
        self._pages = list(pages)

    def page(self) -> list[MessageRow]:
        self.asked += 1
        self.ended = not self._pages
        page = self._pages.pop(0) if self._pages else []
        if isinstance(page, ReadFailed):
            raise page
        return list(page)


def read(
    harness: WorkerHarness, newest: Newest, *wanted: Wanted, look_up: LookUp | None = None, seconds: float = 0.0
) -> ReadBack:
    """Read back a list of which each page takes so many seconds."""

    def made(printed: datetime) -> tuple[datetime, timedelta]:
        return printed, HOUR

    with patch.object(clock, "monotonic", lambda: newest.asked * seconds):
        return read_back(cast(Any, newest), wanted, made, RowRequests(harness.runtime), look_up)


def no_look_up(_: Sequence[Wanted]) -> Sequence[Wanted]:
    pytest.fail("it was looked up")


def ids(prefix: str, count: int = 10) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def test_messages_are_read_back_to_a_page_that_is_older_than_all_that_is_wanted(harness: WorkerHarness) -> None:
    newest = Newest([row(9, "a1", HOUR)], [row(8, "x", 3 * HOUR)], [row(7, "a2", 5 * HOUR)], [row(6, "y", 9 * HOUR)])

    done = read(harness, newest, Wanted(ids("a"), NOW - 3 * HOUR))

    assert newest.asked == 3, "the second page may be of three hours ago, as clocks differ by one"
    assert {name: len(rows) for name, rows in done.by_reference.items() if rows} == {"a1": 1, "a2": 1}
    assert set(done.by_reference) == set(ids("a"))
    assert done.totals == {7: 3}


def test_a_list_that_was_read_to_its_end_decides_everything(harness: WorkerHarness) -> None:
    done = read(harness, Newest([row(9, "a1", HOUR)]), Wanted(ids("a"), NOW - 9 * HOUR))

    assert set(done.by_reference) == set(ids("a"))


def test_what_lies_further_back_than_it_pays_to_read_is_looked_up(harness: WorkerHarness) -> None:
    recent, old = Wanted(ids("a", 20), NOW), Wanted(ids("b"), NOW - 99 * HOUR)
    newest = Newest([row(9, "b1", 2 * HOUR)], *[[row(number, "x", 3 * HOUR)] for number in range(8, 0, -1)])

    done = read(harness, newest, recent, old)

    assert set(done.by_reference) == set(ids("a", 20))
    assert newest.asked == 6, "ten look-ups are worth five pages"


def test_what_a_page_shows_is_looked_up_before_the_next_page(harness: WorkerHarness) -> None:
    shown, other = Wanted(["a1"], NOW), Wanted(ids("b", 20), NOW - 9 * HOUR)
    newest = Newest([row(9, "a1", HOUR)], [row(8, "x", 2 * HOUR)])
    pages_before: list[int] = []

    def look_up(seen: Sequence[Wanted]) -> Sequence[Wanted]:
        pages_before.append(newest.asked)
        assert list(seen) == [shown]
        return seen

    done = read(harness, newest, shown, other, look_up=look_up, seconds=10.0)

    assert pages_before == [1]
    assert set(done.by_reference) == set(ids("b", 20)), "what is decided needs no evidence any more"


def test_a_page_of_a_list_that_ends_soon_is_not_looked_up(harness: WorkerHarness) -> None:
    newest = Newest([row(9, "a1", HOUR)], [row(8, "x", 2 * HOUR)])
    newest.pages_left = 1

    done = read(harness, newest, Wanted(ids("a"), NOW - 9 * HOUR), look_up=no_look_up, seconds=0.2)

    assert set(done.by_reference) == set(ids("a"))


def test_under_a_low_rate_limit_a_page_is_not_looked_up(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_STATUS_RATE_LIMIT="2/s")
        newest = Newest([row(9, "a1", HOUR)], [row(8, "x", 2 * HOUR)])

        read(harness, newest, Wanted(ids("a"), NOW - 9 * HOUR), look_up=no_look_up, seconds=0.5)

    assert newest.ended


def test_fewer_pages_are_read_if_look_ups_run_at_once(harness: WorkerHarness) -> None:
    def pages_for(seconds: float, pages_left: int | None = None) -> int:
        newest = Newest(*[[row(number, "x", HOUR)] for number in range(99, 0, -1)])
        newest.pages_left = pages_left
        read(harness, newest, Wanted(ids("a", 40), NOW - 99 * HOUR), look_up=lambda _: (), seconds=seconds)
        return newest.asked

    assert harness.settings.worker_in_flight == 4
    assert pages_for(0.0) == 21, "one look-up takes as long as one page"
    assert pages_for(0.2) == 6, "four look-ups take as long as one page"
    assert pages_for(0.2, pages_left=10) == 100, "ten pages take as long as forty look-ups"


def test_few_reference_ids_are_looked_up_at_once(harness: WorkerHarness) -> None:
    newest = Newest()

    assert read(harness, newest, Wanted(ids("a", 9), NOW)).by_reference == {}
    assert newest.asked == 0


def test_only_a_hit_decides_about_an_id_that_may_be_older(harness: WorkerHarness) -> None:
    done = read(harness, Newest([row(9, "a1", HOUR)]), Wanted(ids("a"), NOW, older_too=True))

    assert set(done.by_reference) == {"a1"}


def test_rows_without_a_time_do_not_say_how_far_back_they_are(harness: WorkerHarness) -> None:
    timeless = MessageRow(9, 7, "x", "sent", None, None, None, None, None)
    newest = Newest([row(10, "x", 9 * HOUR), timeless], ReadFailed("HTTP 200", status=200))

    assert read(harness, newest, Wanted(ids("a"), NOW)).by_reference == {}


def test_a_page_that_fails_is_asked_for_again_and_one_that_is_not_as_asked_for_ends_it(harness: WorkerHarness) -> None:
    failing = ReadFailed("HTTP 502", status=502)
    newest = Newest(failing, failing, [row(9, "a1", HOUR)])
    out_of_order = Newest([row(9, "a1", HOUR)], ReadFailed("another order", status=200), [row(8, "a2", HOUR)])

    assert set(read(harness, newest, Wanted(ids("a"), NOW - 9 * HOUR)).by_reference) == set(ids("a"))
    assert read(harness, out_of_order, Wanted(ids("a"), NOW - 9 * HOUR)).by_reference == {}
    assert out_of_order.asked == 2
