"""What a run prints: the table of docs/reliability.md, the totals, and whatever went wrong."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.findings import Fault
from tests.failpoints.run_trial import Outcome
from tests.failpoints.scenarios import named

FINDINGS_SHOWN = 9

HEAD = (
    "| killed at | a campaign | recovered by | after | kills more | after | lost | doubled |",
    "|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A point in its scenario: killed there once, and once more with all that recovers from it."""

    alone: Outcome
    again: Outcome | None = None

    @property
    def outcomes(self) -> list[Outcome]:
        return [self.alone] if self.again is None else [self.alone, self.again]

    @property
    def held(self) -> bool:
        return all(outcome.held for outcome in self.outcomes)

    def count(self, fault: Fault) -> int:
        return sum(outcome.result.count(fault) for outcome in self.outcomes)

    def __str__(self) -> str:
        alone, again = self.alone, self.again
        cells = [alone.point, named(alone.scenario), alone.recovered_by or "NOT SHOWN", _took(alone)]
        cells += ["", ""] if again is None else [str(again.kills - 1), _took(again)]
        cells += [str(self.count(fault)) for fault in (Fault.LOST, Fault.DOUBLED)]
        return f"| {' | '.join(cells)} |"


def table(rows: Sequence[Row]) -> str:
    return "\n".join((*HEAD, *map(str, rows)))


def totals(rows: Sequence[Row]) -> str:
    outcomes = [outcome for row in rows for outcome in row.outcomes]
    points = {outcome.point for outcome in outcomes if not outcome.trouble}
    other = sum(len(outcome.result.findings) for outcome in outcomes)
    lost, doubled = (sum(row.count(fault) for row in rows) for fault in (Fault.LOST, Fault.DOUBLED))
    messages = sum(outcome.result.messages for outcome in outcomes)
    return (
        f"{len(points)} points, {sum(outcome.kills for outcome in outcomes)} times SIGKILL, {messages} messages:"
        f" {lost} lost, {doubled} doubled, {other - lost - doubled} misreported or in doubt"
    )


def troubles(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        for outcome in row.outcomes:
            if outcome.held:
                continue
            lines.append(f"{outcome.point} ({named(outcome.scenario)}): {outcome.trouble or 'the promise is broken'}")
            lines += [f"    {finding.fault}: {finding.what} {finding.batch}" for finding in outcome.result.findings[:9]]
    return "\n".join(lines)


def say(text: str) -> None:
    if text:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def _took(outcome: Outcome) -> str:
    aged = f" + {outcome.aged:.0f} s aged" if outcome.aged >= 1 else ""
    return f"{outcome.seconds:.1f} s{aged}"
