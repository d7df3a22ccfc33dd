"""How far back BSG's newest messages are read, and what they decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import MessageRow
from bsg_worker.reconcile.read_back import ReadBack, Wanted, read_back
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
        self.asked = 0
        self._pages = list(pages)

    def page(self) -> list[MessageRow]:
        self.asked += 1
        self.ended = not self._pages
        page = self._pages.pop(0) if self._pages else []
        if isinstance(page, ReadFailed):
            raise page
        return list(page)


def read(harness: WorkerHarness, newest: Newest, *wanted: Wanted) -> ReadBack:
    return read_back(cast(Any, newest), wanted, lambda printed: (printed, HOUR), RowRequests(harness.runtime))


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
