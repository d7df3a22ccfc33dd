"""Messages from a file, row by row: CSV as people have it, or a sheet of an .xlsx file."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from bsg_producer.errors import FileInvalid
from bsg_producer.files import xlsx_rows
from bsg_producer.files.csv_rows import CSVRows
from bsg_producer.files.text_lines import Source
from bsg_producer.files.xlsx_rows import XLSXRows

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


class _Resumed:
    """A file whose beginning has been read, from that beginning."""

    def __init__(self, beginning: bytes, file: Source) -> None:
        self._beginning = beginning
        self._file = file

    def read(self, size: int, /) -> bytes:
        if not self._beginning:
            return self._file.read(size)
        some, self._beginning = self._beginning[:size], self._beginning[size:]
        return some


class MessageFile:
    """Iterates over the messages of a file whose first row names the columns, `phone` among them: once, row by row.

    `source` is a path, or a file that is open for reading bytes, such as an upload, which stays open. `name`: what
    errors call it. Each message is a mapping by column; empty cells are left out. Raises FileInvalid, which names file,
    line and remedy. `line` is where the message that was read last begins.
    """

    def __init__(
        self, source: str | Path | BinaryIO, reading: Reading | None = None, *, name: str | None = None
    ) -> None:
        self.shown = _name_of(source) if name is None else name
        self.line = 0
        self._reading = reading or Reading()
        with ExitStack() as opened:
            self._rows = self._open(source, opened)
            self._cells = iter(self._rows)
            self.columns = self._read_columns()
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @property
    def said(self) -> str:
        """How the file is read, where that was found and is not what one expects; else ""."""
        return self._rows.said

    def __iter__(self) -> Iterator[Mapping[str, str | int]]:
        columns, phone = self.columns, self._reading.phone
        expected = len(columns)
        for line, cells in self._cells:
            if len(cells) != expected:
                raise FileInvalid(
                    f"{self.shown}, line {line}: {len(cells)} cells, but line 1 names {expected} columns. "
                    "Put cells that contain the separator between quotation marks."
                )
            self.line = line
            message = _message(columns, cells)
            if phone is not None and "phone" in message:
                message["phone"] = phone(str(message["phone"]))
            yield message

    def _open(self, source: str | Path | BinaryIO, opened: ExitStack) -> _Rows:
        file = self._opened_file(source, opened)
        beginning = self._beginning(file)
        if beginning.startswith(_OLD_SPREADSHEET):
            raise FileInvalid(f"{self.shown}, line 1: an old spreadsheet (.xls). Save it as .xlsx, or as «CSV UTF-8».")
        reading = self._reading
        if beginning.startswith(xlsx_rows.BEGINNING):
            return XLSXRows(self._whole(file, beginning, opened), self.shown, sheet=reading.sheet)
        return CSVRows(
            _Resumed(beginning, file),
            self.shown,
            encoding=reading.encoding,
            separator=reading.separator,
            quote=reading.quote,
        )

    def _opened_file(self, source: str | Path | BinaryIO, opened: ExitStack) -> BinaryIO:
        if not isinstance(source, (str, Path)):
            return source
        try:
            return opened.enter_context(Path(source).open("rb"))
        except OSError as error:
            raise FileInvalid(f"{self.shown}: cannot be read: {error.strerror}. Name a file that is there.") from None

    def _beginning(self, file: BinaryIO) -> bytes:
        """The first bytes, by which a spreadsheet is known."""
        read = b""
        try:
            while len(read) < len(xlsx_rows.BEGINNING) and (some := file.read(len(xlsx_rows.BEGINNING) - len(read))):
                if not isinstance(some, bytes):
                    raise TypeError(
                        f'a file of messages is read as bytes, not {type(some).__name__}: open it with "rb"'
                    )
                read += some
        except OSError as error:
            raise FileInvalid(f"{self.shown}, line 1: cannot be read: {error.strerror}") from None
        return read

    def _whole(self, file: BinaryIO, beginning: bytes, opened: ExitStack) -> BinaryIO:
        """A spreadsheet's index is at its end, so that it has to be there whole."""
        if file.seekable():
            file.seek(-len(beginning), 1)
            return file
        whole = opened.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        whole.write(beginning)
        while whole.tell() <= xlsx_rows.LARGEST_FILE and (some := file.read(1 << 20)):
            whole.write(some)
        if whole.tell() > xlsx_rows.LARGEST_FILE:
            raise FileInvalid(f"{self.shown}, line 1: a spreadsheet of more than {xlsx_rows.LARGEST_FILE} bytes.")
        whole.seek(0)
        return whole

    def _read_columns(self) -> tuple[str, ...]:
        line, cells = next(self._cells, (1, []))
        names = [name.strip() for name in cells]
        found = _shown(names)
        for name, given in self._reading.columns.items():
            if given not in names:
                raise FileInvalid(
                    f"{self.shown}, line {line}: no column is named {given!r}, which is to be `{name}`. Found: {found}."
                )
        named = _named(names, self._reading.columns)
        if "phone" not in named:
            raise FileInvalid(
                f"{self.shown}, line {line}: no column is named `phone`. Found: {found}. "
                "Rename the one it is, or name it.",
                option="columns",
            )
        repeated = sorted({name for some in (names, [*filter(None, named)]) for name in some if some.count(name) > 1})
        if repeated:
            told = _shown([name or "(no name)" for name in repeated])
            raise FileInvalid(f"{self.shown}, line {line}: named more than once: {told}. Give each its name.")
        return tuple(named)


def _name_of(source: str | Path | BinaryIO) -> str:
    if isinstance(source, (str, Path)):
        return str(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) and name else "the file"


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
