from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.comparing import Figures, Goal, Measurement, Row, Side, medians, reached, rounds_in_turn, written

AT_LEAST_TWICE = Goal("rate", "ours", over=("theirs",), at_least=2, gross=0.5)


def row(*sides: Side, goals: tuple[Goal, ...] = (AT_LEAST_TWICE,)) -> Row:
    return Row(what="rate", against="theirs", sides=sides, goals=goals)


def counting(name: str, values: Iterator[float]) -> Side:
    return Side(name, lambda _: {name: next(values)})


def test_each_side_is_measured_once_a_round_in_turn(tmp_path: Path) -> None:
    order: list[tuple[str, bool]] = []

    def side(name: str) -> Side:
        def measure(measurement: Measurement) -> Figures:
            assert list(measurement.directory.iterdir()) == []
            order.append((name, measurement.short))
            return {name: 1.0}

        return Side(name, measure)

    list(rounds_in_turn(row(side("ours"), side("theirs")), 2, directory=tmp_path, short=True, report=lambda _: None))

    assert order == [("ours", True), ("theirs", True)] * 2


def test_a_ratio_is_the_median_of_those_within_the_rounds(tmp_path: Path) -> None:
    sides = counting("ours", iter([10.0, 30.0, 90.0])), counting("theirs", iter([5.0, 10.0, 90.0]))
    rounds = list(rounds_in_turn(row(*sides), 3, directory=tmp_path, short=False, report=lambda _: None))

    (found,) = reached(row(*sides), rounds)

    assert (found.value, found.met) == (2.0, True)
    assert medians(rounds) == {"ours": 30.0, "theirs": 10.0}


def test_the_best_of_several_others_counts() -> None:
    figures = {"ours": 10.0, "slow": 1.0, "fast": 4.0}

    assert Goal("rate", "ours", over=("slow", "fast"), at_least=1).measured(figures) == 2.5
    assert Goal("memory", "ours", over=("slow", "fast"), at_most=1).measured(figures) == 10.0
    assert Goal("memory", "ours", at_most=64).measured(figures) == 10.0


@pytest.mark.parametrize(
    ("goal", "met", "missed", "grossly_missed"),
    [
        (AT_LEAST_TWICE, 2.0, 1.99, 0.49),
        (Goal("memory", "ours", at_most=64, gross=128), 64.0, 65.0, 129.0),
    ],
)
def test_the_short_form_fails_only_what_is_far_off(
    goal: Goal, met: float, missed: float, grossly_missed: float
) -> None:
    assert goal.met(met)
    assert not goal.met(missed)
    assert not goal.grossly_missed(missed)
    assert goal.grossly_missed(grossly_missed)


def test_a_goal_without_a_gross_bound_never_fails_the_short_form() -> None:
    assert not Goal("rate", "ours", at_least=2).grossly_missed(0.0)
    assert not Goal("memory", "ours", at_most=2).grossly_missed(1e9)


def test_figures_show_three_digits() -> None:
    assert [written(value) for value in (1_234_567.0, 999.6, 12.345, 0.98765)] == [
        "1\u202f230\u202f000",
        "1\u202f000",
        "12.3",
        "0.988",
    ]
