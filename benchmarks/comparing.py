"""One row of the table: figures measured side by side, round by round, and the goals that they are held to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

Figures = Mapping[str, float]
"""What one side measured, by name. Names are unique within a row, and say the unit unless it is the row's."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement of one side in one round.

    `directory` is its own and empty; `short`: small sizes, for continuous checks.
    """

    directory: Path
    short: bool

    def size(self, full: int, short: int) -> int:
        return short if self.short else full


@dataclass(frozen=True, slots=True)
class Side:
    """Something that is measured: this project, a limit, or a usual design."""

    name: str
    measure: Callable[[Measurement], Figures]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure has to reach, as a ratio to others, or by itself when `over` is empty.

    Of several in `over` the best counts: the largest for `at_least`, the smallest for `at_most`. `gross` is the bound
    in the short form, which fails only on gross regressions; None: the short form does not hold it to anything.
    """

    what: str
    figure: str
    over: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    gross: float | None = None

    def measured(self, figures: Figures) -> float:
        """Return the ratio in one round, or the figure itself."""
        if not self.over:
            return figures[self.figure]
        others = [figures[name] for name in self.over]
        return figures[self.figure] / (min(others) if self.at_least is None else max(others))

    def met(self, value: float) -> bool:
        return self._within(value, self.at_least, self.at_most)

    def grossly_missed(self, value: float) -> bool:
        bounds = (self.gross, None) if self.at_least is not None else (None, self.gross)
        return not self._within(value, *bounds)

    @property
    def bound(self) -> str:
        return f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"

    @staticmethod
    def _within(value: float, at_least: float | None, at_most: float | None) -> bool:
        return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table in docs/performance.md.

    `unit` is that of all figures whose names say no other. `drawn` are the figures of its chart; `note` says how it
    is measured, `if_not_met` why a goal is missed, with where the time goes. `table` writes the medians as lines of a
    table; without one each figure has a line.
    """

    what: str
    against: str
    sides: Sequence[Side]
    goals: Sequence[Goal]
    unit: str = ""
    drawn: tuple[str, ...] = ()
    note: str = ""
    if_not_met: str = ""
    table: Callable[[Figures], Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """A goal and what the rounds came to."""

    goal: Goal
    value: float

    @property
    def met(self) -> bool:
        return self.goal.met(self.value)


def rounds_in_turn(
    row: Row, rounds: int, *, directory: Path, short: bool, report: Callable[[str], None]
) -> Iterator[Figures]:
    """In each round every side is measured once, one after the other: whatever drifts, drifts for all of them."""
    for number in range(rounds):
        figures: dict[str, float] = {}
        for number_of_side, side in enumerate(row.sides):
            own = directory / f"round-{number}-side-{number_of_side}"
            own.mkdir(parents=True)
            found = side.measure(Measurement(own, short))
            report(f"  round {number + 1}, {side.name}: {shown(found)}")
            figures.update(found)
        yield figures


def reached(row: Row, rounds: Sequence[Figures]) -> list[Reached]:
    """Ratios are taken within each round, then their median: the two sides of a pair saw the same machine."""
    return [Reached(goal, median(goal.measured(figures) for figures in rounds)) for goal in row.goals]


def medians(rounds: Sequence[Figures]) -> dict[str, float]:
    return {name: median(figures[name] for figures in rounds) for name in rounds[0]}


def shown(figures: Figures) -> str:
    return ", ".join(f"{name} {written(value)}" for name, value in figures.items())


def written(value: float) -> str:
    """Three digits that mean something, thousands apart."""
    if abs(value) >= 999.5:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", "\u202f")
    return f"{value:.3g}"
