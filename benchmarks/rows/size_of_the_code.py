from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.packaging import test_floors, test_vocabulary

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side

ROOT = Path(__file__).parents[2]
PACKAGES = ("messages", "config", "ledger", "client", "broker", "producer", "worker")
COMMENT = {".py": "#", ".lua": "--"}

LINES, UP, CIRCLES, WORDS = "lines in all", "imports up", "modules in circles", "private words"
CODE = "lines in all without docstrings, comments and empty lines"


def _measure(_: Measurement) -> Figures:
    sources = {package: list(_sources(ROOT / package)) for package in PACKAGES}
    lines = {f"{package}, lines": float(sum(map(_lines, found))) for package, found in sources.items()}
    return {
        **lines,
        LINES: sum(lines.values()),
        CODE: sum(_lines_of_code(path) for found in sources.values() for path in found),
        UP: len(test_floors.imports_up()),
        CIRCLES: len(test_floors.modules_in_circles()),
        WORDS: sum(len(list(test_vocabulary.uses_of(word))) for word in test_vocabulary.GONE.values()),
    }


def _sources(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.suffix in COMMENT)


def _lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def _lines_of_code(path: Path) -> int:
    text = path.read_text("utf-8")
    lines = [line.strip() for line in text.splitlines()]
    kept = sum(bool(line) and not line.startswith(COMMENT[path.suffix]) for line in lines)
    return kept - (_lines_of_docstrings(text) if path.suffix == ".py" else 0)


def _lines_of_docstrings(text: str) -> int:
    """Count the lines of docstrings that are not empty."""
    return sum(
        bool(line.strip())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        for line in (ast.get_docstring(node) or "").splitlines()
    )


ROW = Row(
    what="the size of the code, and what its plan forbids",
    against="the goal",
    sides=[Side("this project", _measure)],
    goals=[
        Goal("lines", LINES, at_most=10_000, gross=100_000),
        Goal("imports up", UP, at_most=0, gross=0),
        Goal("modules in circles", CIRCLES, at_most=0, gross=0),
        Goal("private words", WORDS, at_most=0, gross=0),
    ],
    if_not_met=(
        "the goal was set when these packages had 12 100 lines. They had no streams then, no compaction, no moves to "
        "another key, no calibration, no stop lists, no previews, no statistics jobs, no reader of uploaded files, and "
        "no operations in bounded steps. Three tenths of the lines are docstrings, comments and empty lines."
    ),
    note=(
        "Python and Lua, every line counted. The floors of imports are those of `docs/architecture.md`. The private "
        "words are those that `tests/packaging/test_vocabulary.py` names."
    ),
)
