"""The rows of a sheet of an .xlsx file, read one by one. A file that unpacks to more than a sheet needs is refused."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator
from importlib import import_module
from typing import IO, Any

from bsg_producer.errors import FileInvalid

BEGINNING = b"PK\x03\x04"
LARGEST_FILE = 1 << 28  # bytes, as it comes through a pipe
_LARGEST_UNPACKED = 1 << 29  # bytes: a full sheet of contacts takes half of it
_LARGEST_OF_OTHER_PARTS = 1 << 24
_LARGE_PARTS = ("xl/worksheets/", "xl/sharedstrings")
_LAST_ROW = 1 << 20  # a sheet has no more (ECMA-376)


class XLSXRows:
    """Iterate over `(line, cells)`, beginning with the names of the columns. Skip empty rows.

    Raise FileInvalid, which names the file and the line. `sheet`: None for the first one.
    """

    note = ""
    separator: str | None = None

    def __init__(self, file: IO[bytes], shown: str, *, sheet: str | None) -> None:
        self._shown = shown
        _refuse_bomb(file, shown)
        self._sheet = self._opened(file, sheet)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        width = None
        for line, cells in self._rows():
            texts = [self._text(cell, line) for cell in cells]
            while texts and not texts[-1]:
                texts.pop()
            if not texts and width is not None:
                continue
            # A row of a sheet has no end: cells to the right of the last name exist only if somebody filled them.
            width = width or len(texts)
            yield line, texts + [""] * (width - len(texts))

    def _opened(self, file: IO[bytes], sheet: str | None) -> Any:
        try:
            import_module("defusedxml")  # openpyxl uses it if installed; without it, entities may expand without bound
            from openpyxl import load_workbook  # a tenth of a second that CSV files need not wait for
        except ModuleNotFoundError as missing:
            raise FileInvalid(
                f"{self._shown}, line 1: a spreadsheet, and {missing.name} is not installed to read it: "
                "pip install 'bsg-campaigns[files]'. Or save the file as «CSV UTF-8»."
            ) from None

        try:
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
            sheets = {one.title: one for one in book.worksheets}
        except Exception as error:  # the parsers raise anything for a file that is not a workbook
            raise self._unreadable(1, error) from None
        if sheet is not None and sheet not in sheets:
            raise FileInvalid(
                f"{self._shown}, line 1: no sheet is named {sheet!r}. Found: {', '.join(sheets)[:200]}.", "sheet"
            )
        if not sheets:
            raise FileInvalid(f"{self._shown}, line 1: no sheet. Save the contacts as a sheet, or as CSV.")
        found = sheets[sheet] if sheet is not None else next(iter(sheets.values()))
        found.reset_dimensions()  # a sheet's own statement of its size may be wrong
        return found

    def _rows(self) -> Iterator[tuple[int, Any]]:
        line = 0
        rows = self._sheet.iter_rows()
        while True:
            try:
                cells = next(rows, None)
            except Exception as error:  # as above, for a sheet that is broken in its middle
                raise self._unreadable(line + 1, error) from None
            if cells is None:
                return
            line += 1
            if line > _LAST_ROW:  # guard: last-row
                raise FileInvalid(
                    f"{self._shown}, line {line}: beyond the last row that a sheet can have. Save it anew."
                )
            yield line, cells

    def _text(self, cell: Any, line: int) -> str:
        value = cell.value
        if value is None:
            return ""
        if cell.data_type == "e":  # guard: spreadsheet-error
            raise FileInvalid(
                f"{self._shown}, line {line}: a cell has an error of the spreadsheet. Correct or empty it, and save."
            )
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        if isinstance(value, datetime.datetime) and value.time() == datetime.time():
            return value.date().isoformat()
        return str(value)

    def _unreadable(self, line: int, error: Exception) -> FileInvalid:
        return FileInvalid(
            f"{self._shown}, line {line}: not a spreadsheet that can be read ({type(error).__name__}). "
            "Save it anew as .xlsx, or as «CSV UTF-8»."
        )


def _refuse_bomb(file: IO[bytes], shown: str) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise FileInvalid(
            f"{shown}, line 1: not a whole .xlsx file. Save it anew as .xlsx, or as «CSV UTF-8»."
        ) from None
    # Reading stops at the sizes that the archive states, so wrong sizes cannot bypass the limit.
    others = [part for part in parts if not part.filename.lower().startswith(_LARGE_PARTS)]
    if (
        sum(part.file_size for part in parts) > _LARGEST_UNPACKED  # guard: zip-bomb
        or sum(part.file_size for part in others) > _LARGEST_OF_OTHER_PARTS
    ):
        raise FileInvalid(
            f"{shown}, line 1: it would unpack to more than a sheet of contacts can need. Save the contacts alone, "
            "without pictures, or as «CSV UTF-8»."
        )
