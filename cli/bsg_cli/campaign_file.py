"""Reading a campaign's messages from a CSV file, row by row."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from bsg_cli.errors import BadInput

LONGEST_ROW = 1 << 20  # bytes: more than every column of a message can hold, and little enough to hold
_SHOWN_AT_MOST = 200

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")


class CampaignFile:
    """A CSV file in UTF-8 (a byte order mark is skipped), separated by comma or semicolon, as its head is.

    The first row names the columns, `phone` among them. Raises BadInput, which names the file and the line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._line = 0
        self._row_bytes = 0
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise BadInput(f"{path}: cannot be read: {error.strerror}. Name a CSV file that is there.") from None
        try:
            self.columns = self._read_columns()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> CampaignFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def messages(self) -> Iterator[Mapping[str, str | int]]:
        """Each row as a mapping by column; empty cells are left out. Blank lines are skipped."""
        reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        columns = self.columns
        expected = len(columns)
        while True:
            began = self._line + 1
            self._row_bytes = 0
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise BadInput(
                    f"{self.path}, line {began}: not CSV: {error}. Look for a stray quotation mark."
                ) from None
            if not cells:
                continue
            if len(cells) != expected:
                raise BadInput(
                    f"{self.path}, line {began}: {len(cells)} cells, but line 1 names {expected} columns. "
                    "Put cells that contain the separator between quotation marks."
                )
            yield _message(columns, cells)

    def _read_columns(self) -> tuple[str, ...]:
        head = next(self._lines(), None)
        if head is None or not head.strip():
            raise BadInput(f"{self.path}, line 1: no column names. The first line names the columns, one is `phone`.")
        self._delimiter = ";" if head.count(";") > head.count(",") else ","
        try:
            names = [name.strip() for name in next(csv.reader([head], delimiter=self._delimiter, strict=True))]
        except csv.Error as error:
            raise BadInput(
                f"{self.path}, line 1: not CSV: {error}. Save it anew as «CSV UTF-8», its lines ended by LF or CRLF."
            ) from None
        found = _shown(names)
        if "phone" not in names:
            raise BadInput(
                f"{self.path}, line 1: no column is named `phone`. Found: {found}. "
                "Rename the one it is; comma or semicolon separates columns."
            )
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            told = _shown([name or "(no name)" for name in repeated])
            raise BadInput(f"{self.path}, line 1: named more than once: {told}. Give each its name.")
        return tuple(names)

    def _lines(self) -> Iterator[str]:
        # Line by line, so that what cannot be decoded has a line number.
        while raw := self._read_line():
            self._line += 1
            self._row_bytes += len(raw)
            if self._row_bytes > LONGEST_ROW:
                raise BadInput(
                    f"{self.path}, line {self._line}: a row of more than {LONGEST_ROW} bytes. "
                    "Look for a stray quotation mark, and whether it is a CSV file at all."
                )
            try:
                text = raw.decode("utf-8-sig" if self._line == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise BadInput(
                    f"{self.path}, line {self._line}: not UTF-8 (byte {error.start + 1} of the line). "
                    "Save the file as UTF-8; spreadsheets call it «CSV UTF-8»."
                ) from None
            yield text

    def _read_line(self) -> bytes:
        try:
            return self._file.readline(LONGEST_ROW + 1)
        except OSError as error:
            raise BadInput(f"{self.path}, line {self._line + 1}: cannot be read: {error.strerror}") from None


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
