"""Print for people and for programs: results to standard output, everything else to standard error."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum


def make_output_safe() -> None:
    """Make writing never fail: replace characters that cannot be written, and descriptors that are closed."""
    if sys.stdout is None:  # closed by the parent (`>&-`)
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the process ends
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def drop_output() -> None:
    """Discard standard output, because the interpreter flushes it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def number(value: int) -> str:
    """Return a count with its thousands separated."""
    return f"{value:,}".replace(",", " ")


def messages(count: int) -> str:
    """Return a number of messages in words."""
    return f"{number(count)} message{'' if count == 1 else 's'}"


def format_time(value: datetime) -> str:
    """Return a time in this machine's zone."""
    return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def as_json(value: object) -> object:
    """Convert dataclasses, enumerations, times and collections to values that JSON has."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): as_json(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    return value


def print_json(value: object) -> None:
    """Print one line of JSON, and flush it."""
    print(json.dumps(as_json(value), ensure_ascii=False), flush=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns as wide as their widest cell. All rows are held in memory."""
    lines = [list(headings), *([*row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


class Colour(StrEnum):
    """Control sequences of a terminal."""

    GREEN = "32"
    YELLOW = "33"
    RED = "31"


def coloured(text: str, colour: Colour | None) -> str:
    """Return the text, coloured if standard output is a terminal and NO_COLOR is not set (no-color.org)."""
    plain = colour is None or not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{colour}m{text}\x1b[0m"


class Progress:
    """A line on standard error that is overwritten. Nothing is written unless that is a terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._length = 0

    def show(self, text: str) -> None:
        if self._shown:
            print(f"\r{text.ljust(self._length)}", end="", file=sys.stderr, flush=True)
            self._length = len(text)

    def clear(self) -> None:
        if self._shown and self._length:
            print(f"\r{' ' * self._length}\r", end="", file=sys.stderr, flush=True)
            self._length = 0


def complain(text: str) -> None:
    """Print an error or a warning to standard error."""
    print(text, file=sys.stderr, flush=True)
