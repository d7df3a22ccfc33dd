"""The generated part of docs/performance.md: a table with goals, and a chart of each row that has one.

What was measured is kept by row in `benchmarks/measured/`, so that measuring one row anew leaves the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import rows
from benchmarks.comparing import Figures, Goal, Reached, Row, written
from benchmarks.machine import machine

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
MEASURED = Path(__file__).parent / "measured"
BEGIN, END = "<!-- begin: written by make bench ARGS=--write -->", "<!-- end -->"


def keep(name: str, row: Row, figures: Figures, found: Sequence[Reached], *, rounds: int) -> None:
    """Keep one row's medians for the page."""
    MEASURED.mkdir(exist_ok=True)
    document = {
        "on": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "rounds": rounds,
        "figures": {name: float(f"{value:.4g}") for name, value in figures.items()},
        "reached": {each.goal.what: float(f"{each.value:.4g}") for each in found},
    }
    (MEASURED / f"{name}.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")


def write() -> None:
    """Replaces what stands between the two markers."""
    text = PAGE.read_text("utf-8")
    before, found_begin, rest = text.partition(BEGIN)
    _, found_end, after = rest.partition(END)
    if not found_begin or not found_end:
        raise RuntimeError(f"{PAGE} lacks the lines {BEGIN!r} and {END!r}")
    PAGE.write_text(f"{before}{BEGIN}\n\n{generated()}\n{END}{after}", "utf-8")


def generated() -> str:
    """Return the part between the markers, from everything that has been kept."""
    kept = {name: _kept(name) for name in rows.names()}
    found = {name: (rows.row(name), document) for name, document in kept.items() if document is not None}
    machines = dict.fromkeys(document["machine"] for _, document in found.values())
    blocks = [
        *(f"Measured on {machine}." for machine in machines),
        "\n".join(_table(found)),
        *("\n".join(_section(name, row, document)) for name, (row, document) in found.items()),
    ]
    return "\n\n".join(blocks) + "\n"


def _table(found: dict[str, tuple[Row, dict[str, Any]]]) -> Iterator[str]:
    yield "| row | what | against | goal | measured | |"
    yield "|---|---|---|---|---|---|"
    for name, (row, document) in found.items():
        for goal in row.goals:
            value = document["reached"][goal.what]
            state = "met" if goal.met(value) else "**not met**"
            yield f"| `{name}` | {goal.what} | {_against(goal)} | {goal.bound} | {written(value)} | {state} |"


def _against(goal: Goal) -> str:
    best = "the best of: " if len(goal.over) > 1 else ""
    return best + ", ".join(goal.over) if goal.over else "–"


def _section(name: str, row: Row, document: dict[str, Any]) -> Iterator[str]:
    yield f"### `{name}`"
    yield ""
    yield f"{row.what[0].upper()}{row.what[1:]}, against {row.against}. {row.note}".rstrip()
    yield f"Medians of {document['rounds']} rounds, {document['on']}."
    yield ""
    yield from (row.table or _figures(row))(document["figures"])
    if row.drawn:
        yield ""
        yield from _chart(row, document["figures"])
    if row.if_not_met and any(not goal.met(document["reached"][goal.what]) for goal in row.goals):
        yield ""
        yield f"Why a goal is missed: {row.if_not_met}"


def _figures(row: Row) -> Callable[[Figures], Sequence[str]]:
    def table(figures: Figures) -> list[str]:
        lines = (f"| {figure} | {written(value)} |" for figure, value in figures.items())
        return [f"| | {row.unit} |", "|---|---|", *lines]

    return table


def _chart(row: Row, figures: Figures) -> Iterator[str]:
    yield "```mermaid"
    yield "xychart-beta horizontal"
    yield f"    x-axis [{', '.join(json.dumps(name, ensure_ascii=False) for name in row.drawn)}]"
    yield f"    y-axis {json.dumps(row.unit)}"
    yield f"    bar [{', '.join(f'{figures[name]:g}' for name in row.drawn)}]"
    yield "```"


def _kept(name: str) -> dict[str, Any] | None:
    path = MEASURED / f"{name}.json"
    if not path.exists():
        return None
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document
