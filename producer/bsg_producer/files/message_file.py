"""Messages from a file, row by row: from CSV, or from a sheet of an .xlsx file."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from bsg_messages import rules
from bsg_messages.rejects import Violation
from bsg_messages.template import Template
from bsg_producer.errors import FileInvalid
from bsg_producer.files import xlsx_rows
from bsg_producer.files.column_names import name_columns, shown
from bsg_producer.files.csv_rows import CSVRows
from bsg_producer.files.text_lines import Source
from bsg_producer.files.xlsx_rows import XLSXRows

_OLD_SPREADSHEET = b"\xd0\xcf\x11\xe0"
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a file. None: as the file itself shows. `columns`: the names in the file, by those in messages.

    `phone`: a function that converts each cell of the phone's column.

    >>> reading = Reading(columns={"phone": "Telefon"}, separator=";")
    >>> list(MessageFile(io.BytesIO(b"Telefon;name\\n380661231231;Olha"), reading))
    [{'phone': '380661231231', 'name': 'Olha'}]
    """

    encoding: str | None = None
    separator: str | None = None
    quote: str | None = None
    sheet: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    phone: Callable[[str], str] | None = None


class _Rows(Protocol):
    @property
    def note(self) -> str: ...

    @property
    def separator(self) -> str | None: ...

    def __iter__(self) -> Iterator[tuple[int, list[str]]]: ...


class _Resumed:
    """A file whose beginning has been read already; reading begins there again."""

    def __init__(self, beginning: bytes, file: Source) -> None:
        self._beginning = beginning
        self._file = file

    def read(self, size: int, /) -> bytes:
        if not self._beginning:
            return self._file.read(size)
        some, self._beginning = self._beginning[:size], self._beginning[size:]
        return some


class MessageFile:
    """Iterate once over the messages of a file, row by row. Its first row names the columns, `phone` among them.

    `source` is a path, or a file that is open for reading bytes, such as an upload, which stays open. Errors call it
    `name`. `text` is the campaign's template. Its fields match columns whatever their case and blanks; a field without
    a column is an error at once. Each message is a mapping by column, without empty cells. `line` is the first line of
    the last message. Raise FileInvalid, which names file, line and remedy.

    >>> upload = io.BytesIO(b"phone,name\\n380661231231,Olha\\n")
    >>> with MessageFile(upload, name="people.csv", text="Hi {{ name }}!") as file:
    ...     producer.enqueue(file, text="Hi {{ name }}!", sender="MyShop").messages
    1
    """

    def __init__(
        self,
        source: str | Path | IO[bytes],
        reading: Reading | None = None,
        *,
        name: str | None = None,
        text: str | None = None,
    ) -> None:
        self.shown = _name_of(source) if name is None else name
        self.line = 0
        self._reading = reading or Reading()
        with ExitStack() as opened:
            self._rows = self._open(source, opened)
            self._cells = iter(self._rows)
            self.columns = self._read_columns(text)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @property
    def note(self) -> str:
        """Return how the file is read, for people; "" if it is as expected."""
        return self._rows.note

    def __iter__(self) -> Iterator[Mapping[str, str | int]]:
        columns, phone = self.columns, self._reading.phone
        expected = len(columns)
        for line, cells in self._cells:
            if len(cells) != expected:  # guard: cells-as-header
                lacking = f", nothing for `{columns[len(cells)]}`" if len(cells) < expected else ""
                raise FileInvalid(
                    f"{self.shown}, line {line}: {len(cells)} cells, but line 1 names {expected} columns{lacking}. "
                    "Put cells that contain the separator between quotation marks."
                )
            if not "".join(cells).isprintable():
                self._check_characters(line, cells)
            self.line = line
            message = _message(columns, cells)
            if phone is not None and "phone" in message:
                message["phone"] = phone(str(message["phone"]))
            yield message

    def _open(self, source: str | Path | IO[bytes], opened: ExitStack) -> _Rows:
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

    def _opened_file(self, source: str | Path | IO[bytes], opened: ExitStack) -> IO[bytes]:
        if not isinstance(source, (str, Path)):
            return source
        try:
            return opened.enter_context(Path(source).open("rb"))
        except OSError as error:
            raise FileInvalid(f"{self.shown}: cannot be read: {error.strerror}. Name a file that is there.") from None

    def _beginning(self, file: IO[bytes]) -> bytes:
        """Return the first bytes. They show whether the file is a spreadsheet."""
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

    def _whole(self, file: IO[bytes], beginning: bytes, opened: ExitStack) -> IO[bytes]:
        """Return a file with all of a spreadsheet: its index is at its end."""
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

    def _read_columns(self, text: str | None) -> tuple[str, ...]:
        line, cells = next(self._cells, (1, []))
        where = f"{self.shown}, line {line}"
        template = None if text is None else Template.parse(text)
        fields = () if template is None else template.fields
        columns = name_columns(where, cells, self._reading.columns, fields)
        if template is not None:
            try:
                template.render(dict.fromkeys(columns, "filled"))
            except Violation as violation:
                # Otherwise the campaign would be accepted, and all of its messages rejected.
                raise FileInvalid(
                    f"{where}: no column is named `{violation.field}`, which the text uses. Found: {shown(columns)}. "
                    "Rename the one it is, or give the field a default.",
                    "columns",
                ) from None
        return columns

    def _check_characters(self, line: int, cells: Sequence[str]) -> None:
        for name, cell in zip(self.columns, cells, strict=True):
            if (control := rules.control_character(cell, allowed="\t\n\r")) is not None:  # guard: cell-without-control
                raise FileInvalid(
                    f"{self.shown}, line {line}, column `{name}`: the control character {control}. "
                    "Remove it. If there are many, save the file as UTF-8, or name its encoding.",
                    "encoding",
                )
            if "\n" in cell and any(map(self._looks_like_row, cell.splitlines()[1:])):  # guard: phone-not-in-name
                raise FileInvalid(
                    f"{self.shown}, line {line}, column `{name}`: the cell goes on over a line that looks like a row. "
                    "Look for a stray quotation mark. If the cell is right, put a blank behind the separator in it."
                )

    def _looks_like_row(self, line: str) -> bool:
        """Return whether a line within a cell has a phone where a row has it: then a quotation mark is not closed."""
        separator, index = self._rows.separator, self.columns.index("phone")
        cells = [] if separator is None else line.split(separator)
        if not index < len(cells) > 1 or any(cell[:1].isspace() for cell in cells[1:]):
            return False
        phone = cells[index].strip("\"'")
        try:
            rules.phone(phone if self._reading.phone is None else self._reading.phone(phone))
        except Violation:
            return False
        return True


def _name_of(source: str | Path | IO[bytes]) -> str:
    if isinstance(source, (str, Path)):
        return str(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) and name else "the file"


def _message(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str | int]:
    message: dict[str, str | int] = {
        name: cell for name, cell in zip(columns, cells, strict=True) if name and cell and not cell.isspace()
    }
    tariff_code = message.get("tariff_code")
    if isinstance(tariff_code, str) and _WHOLE_NUMBER.fullmatch(tariff_code.strip()):
        message["tariff_code"] = int(tariff_code)
    return message
