"""Reading a campaign's messages from a file, row by row: CSV as people have it, or a sheet of an .xlsx file."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol

from bsg_cli import xlsx_rows
from bsg_cli.csv_rows import CSVRows
from bsg_cli.errors import BadInput
from bsg_cli.xlsx_rows import XLSXRows

STANDARD_INPUT = Path("-")
_OLD_SPREADSHEET = b"\xd0\xcf\x11\xe0"
_SHOWN_AT_MOST = 200

# What a message has by these names is no field of a template, so their case says nothing.
_MARKS = ("phone", "text", "sender", "reference_id", "tariff_code")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is to be read; None: as the file itself shows. `columns`: names that messages have, by the file's.

    `phone`: what to make of each cell of the phone's column.
    """

    encoding: str | None = None
    separator: str | None = None
    quote: str | None = None
    sheet: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    phone: Callable[[str], str] | None = None


class _Rows(Protocol):
    @property
    def said(self) -> str: ...

    def __iter__(self) -> Iterator[tuple[int, list[str]]]: ...


class CampaignFile:
    """A file whose first row names the columns, `phone` among them. Raises BadInput, which names file and line.

    `line` is where the message that was read last begins.
    """

    def __init__(self, path: Path, reading: Reading | None = None) -> None:
        self.path = path
        self.shown = "standard input" if path == STANDARD_INPUT else str(path)
        self.line = 0
        self._reading = reading or Reading()
        with ExitStack() as opened:
            self._rows = self._open(opened)
            self._cells = iter(self._rows)
            self.columns = self._read_columns()
            self._opened = opened.pop_all()

    def __enter__(self) -> CampaignFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @property
    def said(self) -> str:
        """How the file is read, where that was found and is not what one expects; else ""."""
        return self._rows.said

    def messages(self) -> Iterator[Mapping[str, str | int]]:
        """Each row as a mapping by column; empty cells are left out."""
        columns, phone = self.columns, self._reading.phone
        expected = len(columns)
        for line, cells in self._cells:
            if len(cells) != expected:
                raise BadInput(
                    f"{self.shown}, line {line}: {len(cells)} cells, but line 1 names {expected} columns. "
                    "Put cells that contain the separator between quotation marks."
                )
            self.line = line
            message = _message(columns, cells)
            if phone is not None and "phone" in message:
                message["phone"] = phone(str(message["phone"]))
            yield message

    def _open(self, opened: ExitStack) -> _Rows:
        file = self._opened_file(opened)
        beginning = self._beginning(file)
        if beginning.startswith(_OLD_SPREADSHEET):
            raise BadInput(f"{self.shown}, line 1: an old spreadsheet (.xls). Save it as .xlsx, or as «CSV UTF-8».")
        if beginning.startswith(xlsx_rows.BEGINNING):
            whole = file if file.seekable() else self._spooled(file, opened)
            return XLSXRows(whole, self.shown, sheet=self._reading.sheet)
        reading = self._reading
        return CSVRows(file, self.shown, encoding=reading.encoding, separator=reading.separator, quote=reading.quote)

    def _opened_file(self, opened: ExitStack) -> BinaryIO:
        if self.path == STANDARD_INPUT:
            return sys.stdin.buffer
        try:
            return opened.enter_context(self.path.open("rb"))
        except OSError as error:
            raise BadInput(f"{self.path}: cannot be read: {error.strerror}. Name a file that is there.") from None

    def _beginning(self, file: BinaryIO) -> bytes:
        try:
            return bytes(file.peek(4)[:4]) if hasattr(file, "peek") else b""
        except OSError as error:
            raise BadInput(f"{self.shown}, line 1: cannot be read: {error.strerror}") from None

    def _spooled(self, file: BinaryIO, opened: ExitStack) -> BinaryIO:
        """A spreadsheet's index is at its end, so that it has to be there whole."""
        whole = opened.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        while whole.tell() <= xlsx_rows.LARGEST_FILE and (some := file.read(1 << 20)):
            whole.write(some)
        if whole.tell() > xlsx_rows.LARGEST_FILE:
            raise BadInput(f"{self.shown}, line 1: a spreadsheet of more than {xlsx_rows.LARGEST_FILE} bytes.")
        whole.seek(0)
        return whole

    def _read_columns(self) -> tuple[str, ...]:
        line, cells = next(self._cells, (1, []))
        names = [name.strip() for name in cells]
        found = _shown(names)
        for given in self._reading.columns.values():
            if given not in names:
                raise BadInput(
                    f"{self.shown}, line {line}: no column is named {given!r}, which --map names. Found: {found}."
                )
        named = _named(names, self._reading.columns)
        if "phone" not in named:
            raise BadInput(
                f"{self.shown}, line {line}: no column is named `phone`. Found: {found}. "
                "Rename the one it is, or name it: --map phone=COLUMN."
            )
        repeated = sorted({name for some in (names, [*filter(None, named)]) for name in some if some.count(name) > 1})
        if repeated:
            told = _shown([name or "(no name)" for name in repeated])
            raise BadInput(f"{self.shown}, line {line}: named more than once: {told}. Give each its name.")
        return tuple(named)


def _named(names: Sequence[str], mapped: Mapping[str, str]) -> list[str]:
    """The columns' names in messages. A mapped column takes the name from one that has it of its own."""
    by_column = {column: name for name, column in mapped.items()}
    named = [by_column.get(name) or ("" if name in mapped else name) for name in names]
    for place, name in enumerate(named):
        if (mark := name.lower()) in _MARKS and mark not in named:
            named[place] = mark
    return named


def _shown(names: Sequence[str]) -> str:
    found = ", ".join(names)
    return found if len(found) <= _SHOWN_AT_MOST else f"{found[:_SHOWN_AT_MOST]}…"


def _message(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str | int]:
    message: dict[str, str | int] = {
        name: cell for name, cell in zip(columns, cells, strict=True) if name and cell and not cell.isspace()
    }
    tariff_code = message.get("tariff_code")
    if isinstance(tariff_code, str) and _WHOLE_NUMBER.fullmatch(tariff_code.strip()):
        message["tariff_code"] = int(tariff_code)
    return message
