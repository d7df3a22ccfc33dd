"""Fair is what is sent in turns; one line for all is noticed, however fast the machine is."""

from __future__ import annotations

import pytest

from tests.load.campaigns import LoadCampaign, SizeClass
from tests.load.fairness import Sent, fairness_of, percentile


def campaign(size_class: SizeClass) -> LoadCampaign:
    return LoadCampaign(0, size_class, 1, starts_at=0.0, templated=False, tried_twice=False)


def large(batches: int, *, each: float = 1.0) -> Sent:
    """Return a campaign whose batches are sent one after the other, from the starts_at 1 on."""
    return Sent(campaign(SizeClass.LARGE), 0.0, [1 + number * each for number in range(batches)])


def small(enqueued_at: float, waits: float) -> Sent:
    return Sent(campaign(SizeClass.SMALL), enqueued_at, [enqueued_at + waits])


@pytest.mark.parametrize("speed", [0.001, 1.0, 60.0])
def test_small_ones_that_take_turns_are_fair_at_any_speed(speed: float) -> None:
    sent = [large(1000, each=speed), *(small(1 + at * speed, 20 * speed) for at in range(0, 700, 10))]

    fairness = fairness_of(sent, on_the_wire=0)

    assert fairness.holds
    assert fairness.measured == 70
    assert fairness.batches is not None
    assert 19 <= fairness.batches.median <= 21


def test_small_ones_that_are_sent_after_all_of_the_backlog_are_not_fair() -> None:
    fairness = fairness_of([large(1000), *(small(at, 1001 - at) for at in range(1, 900, 10))], on_the_wire=0)

    assert not fairness.holds
    assert fairness.shares is not None
    assert fairness.shares.median == 1.0


def test_a_tenth_of_the_small_ones_that_wait_long_is_not_fair() -> None:
    quick = [small(float(at), 1.0) for at in range(1, 900, 10)]
    late = [small(float(at), 500.0) for at in range(1, 400, 40)]

    assert not fairness_of([large(1000), *quick, *late], on_the_wire=0).holds


def test_small_ones_that_met_no_backlog_say_nothing() -> None:
    fairness = fairness_of([large(1000), small(990.0, 5.0)], on_the_wire=0)

    assert fairness.measured == 0
    assert not fairness.holds


def test_what_was_on_the_wire_already_is_no_line() -> None:
    sent = [large(50), *(small(float(at), 8.0) for at in range(1, 30))]

    assert fairness_of(sent, on_the_wire=8).holds
    assert not fairness_of(sent, on_the_wire=0).holds


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0], 0.95) == 3.0
    assert percentile([1.0], 0.5) == 1.0
