"""What the pages say that the ledger does not: who waits for what, how fast it goes, and the lines of the chart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bsg_ledger.batch_id import BatchId
from bsg_ledger.records import Batch
from bsg_ledger.states import BatchState
from bsg_ledger.waiting import Wait, WaitReason
from bsg_monitor import formatting
from bsg_monitor.chart import draw
from bsg_monitor.rates import Rates

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def test_what_a_campaign_waits_for_is_written_with_its_end() -> None:
    wait = Wait(WaitReason.COOL_DOWN, "C", "default", 5, until=NOW)

    assert formatting.waits_for(wait) == "the account's cool-down, until 2026-11-26 12:00:00 UTC"
    assert formatting.waits_for(None) == "–"


def test_a_rate_is_what_was_sent_between_two_looks_within_a_minute() -> None:
    rates = Rates()

    assert rates.of("a", 100, 0.0) is None
    assert rates.of("a", 150, 10.0) == 5.0
    assert rates.of("a", 150, 65.0) == 0.0  # the first look is forgotten
    assert rates.of("b", 7, 65.0) is None


def test_rates_are_forgotten_of_what_nobody_looks_at_any_more() -> None:
    rates = Rates()
    rates.of("first", 1, 0.0)
    for number in range(1000):
        rates.of(str(number), 1, 1.0)

    assert rates.of("first", 100, 2.0) is None


def outline(number: int, size: int, *, submitted: int = 0, finished: int = 0) -> Batch:
    return Batch(
        BatchId.of("c", number),
        BatchState.PENDING,
        size,
        submitted_at=NOW + timedelta(milliseconds=submitted) if submitted else None,
        finished_at=NOW + timedelta(milliseconds=finished) if finished else None,
    )


def test_the_chart_rises_by_a_batch_where_it_was_sent() -> None:
    outlines = [outline(0, 50, submitted=5000, finished=10_000), outline(1, 50, submitted=10_000, finished=20_000)]

    drawn = draw(outlines, accepted_at=NOW, now=NOW)

    assert drawn is not None
    assert drawn.sent == "0,160 150,160 150,80 300,80 300,0 600,0"
    assert drawn.finished == "0,160 300,160 300,80 600,80 600,0 600,0"
    assert (drawn.end - drawn.begin).total_seconds() == 20
    assert drawn.top == 100


def test_the_chart_has_no_more_corners_than_columns_however_many_batches() -> None:
    drawn = draw([outline(number, 1, submitted=1 + number) for number in range(5000)], accepted_at=NOW, now=NOW)

    assert drawn is not None
    assert len(drawn.sent.split()) <= 2 * 601 + 2
    assert drawn.finished == "0,160 600,160"


def test_there_is_no_chart_before_anything_was_sent() -> None:
    assert draw([outline(0, 5)], accepted_at=NOW, now=NOW) is None
    assert draw([], accepted_at=NOW, now=NOW) is None


def test_numbers_and_times_are_written_for_people() -> None:
    assert formatting.number(1_234_567) == "1\u00a0234\u00a0567"
    assert formatting.number(None) == "–"
    assert [formatting.duration(seconds) for seconds in (-1, 59, 61, 7500, 180_000)] == [
        "0 s", "59 s", "1 min 1 s", "2 h 5 min", "2 d 2 h",
    ]  # fmt: skip
