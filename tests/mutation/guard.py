"""The table of guards, and the markers in the source that it speaks of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation.inside import FLOORS
from tests.mutation.operators import DoesNotApply, apply
from tests.mutation.source import Source

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("guards.txt")

_MARKER = re.compile(r"(?:#|--) guard: ([a-z0-9]+(?:-[a-z0-9]+)*)")


class TableRotten(Exception):
    """The table and the markers in the source do not fit together: correct the table."""


@dataclass(frozen=True)
class Location:
    """The line that a marker marks."""

    file: Path
    line: int
    source: Source = field(compare=False, repr=False)


@dataclass(frozen=True)
class Guard:
    """One row of the table: a marker, the operator that undoes the guard there, and what catches that.

    `caught_by`: the cheapest first, each a test's node id or the name of a size of the exploration; one of them has
    to fail without the guard. `hangs`: it is right that the run does not end without the guard.
    """

    marker: str
    operator: str
    caught_by: tuple[str, ...]
    hangs: bool = False

    def undo(self, root: Path, location: Location) -> None:
        """Undo the guard in the copy of the project at `root`."""
        (root / location.file).write_text(self.undone(location), "utf-8")

    def undone(self, location: Location) -> str:
        """Return the text without the guard. Raise `TableRotten` if the operator does not change the line."""
        try:
            undone = apply(self.operator, location.source, location.line)
        except DoesNotApply as error:
            raise TableRotten(f"{self}: {error}: correct {TABLE.name}") from None
        if undone == location.source.text:
            raise TableRotten(f"{self} changes nothing: correct {TABLE.name}")
        return undone

    def __str__(self) -> str:
        return f"{self.marker} | {self.operator}"


def read_table(text: str, tests: Mapping[str, Sequence[str]]) -> tuple[Guard, ...]:
    """Return the rows. `tests`: the files of each test by its name; what is none of them is a size."""
    guards: list[Guard] = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            marker, operator, catchers = line.split(" | ")
            caught_by = tuple(_catcher(catcher, tests) for catcher in catchers.split("; "))
            guards.append(Guard(marker, operator.removesuffix(", hangs"), caught_by, operator.endswith(", hangs")))
    return tuple(guards)


def _catcher(name: str, tests: Mapping[str, Sequence[str]]) -> str:
    test = f"test_{name}"
    files = tests.get(test.partition("[")[0], [])
    if len(files) > 1:
        raise TableRotten(f"{test} is in {', '.join(files)}: give each test a name of its own")
    return f"{files[0]}::{test}" if files else name


def find_tests(root: Path = ROOT) -> Mapping[str, list[str]]:
    """Return the files of each test by its name."""
    found: dict[str, list[str]] = {}
    for file in sorted((root / "tests").rglob("test_*.py")):
        for name in re.findall(r"^(?:async )?def (test_\w+)\(", file.read_text("utf-8"), re.M):
            found.setdefault(name, []).append(str(file.relative_to(root)))
    return found


def find_markers(root: Path = ROOT) -> Mapping[str, list[Location]]:
    """Return where each marker is. More than one location is a mistake."""
    found: dict[str, list[Location]] = {}
    for floor in FLOORS:
        for file in sorted((root / floor).rglob("*")):
            if file.suffix in {".py", ".lua"}:
                source = Source.read(file)
                for marker, line in markers_of(source):
                    found.setdefault(marker, []).append(Location(file.relative_to(root), line, source))
    return found


def fit(guards: Sequence[Guard], root: Path) -> list[tuple[Guard, Location]]:
    """Return each guard with its location. Raise `TableRotten` unless each can be undone at exactly one."""
    markers = find_markers(root)
    placed: list[tuple[Guard, Location]] = []
    for guard in guards:
        locations = markers.get(guard.marker, [])
        if len(locations) != 1:
            raise TableRotten(
                f"the source has {len(locations)} times the marker {guard.marker!r}: correct {TABLE.name}"
            )
        guard.undone(locations[0])
        placed.append((guard, locations[0]))
    if without := sorted(markers.keys() - {guard.marker for guard in guards}):
        raise TableRotten(f"{TABLE.name} has no row for the markers {', '.join(without)}")
    return placed


def markers_of(source: Source) -> list[tuple[str, int]]:
    """Return each marker of a file and the line that it marks: its own, or the next one if it stands alone."""
    return [
        (match[1], source.line_marked_at(comment.start))
        for comment in source.comments
        if (match := _MARKER.fullmatch(comment.text))
    ]
