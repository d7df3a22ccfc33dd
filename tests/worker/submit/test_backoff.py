from __future__ import annotations

from random import Random

import pytest

from bsg_worker.submit.backoff import delay


def test_the_ceiling_doubles_with_each_attempt_up_to_the_cap() -> None:
    random = Random(1)

    longest = [max(delay(attempt, 1.0, 10.0, random) for _ in range(4000)) for attempt in (1, 2, 3, 4, 5, 9)]

    assert longest == pytest.approx([1, 2, 4, 8, 10, 10], rel=0.01)
    assert all(seconds <= ceiling for seconds, ceiling in zip(longest, (1, 2, 4, 8, 10, 10), strict=True))


def test_the_whole_span_down_to_zero_is_drawn_from() -> None:
    random = Random(2)

    drawn = [delay(3, 1.0, 300.0, random) for _ in range(4000)]

    assert min(drawn) < 0.01
    assert sum(drawn) / len(drawn) == pytest.approx(2.0, rel=0.05)


def test_a_thousandth_attempt_waits_no_longer_than_the_cap() -> None:
    assert 0 <= delay(100_000, 0.01, 300.0, Random(3)) <= 300.0


def test_attempts_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="first attempt"):
        delay(0, 1.0, 300.0, Random(4))
