"""The rows of a CSV file. Its first line shows its separator and quotation mark."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from bsg_producer.errors import FileInvalid
from bsg_producer.files.text_lines import Source, TextLines, too_long

MAX_ROW = 1 << 20  # characters: more than any message needs, and it fits in memory
SEPARATORS = ",;\t|"
_SPREADSHEET_HINT = re.compile(r"sep=([^\r\n])\r?\n?", re.IGNORECASE)


# A spreadsheet would evaluate such a cell as a formula.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def escaped(cell: str) -> str:
    """Return the cell with a mark that keeps a spreadsheet from evaluating it. Reading removes the mark."""
    return f"'{cell}" if _FORMULA.match(cell) else cell  # guard: formula-escaped


def unescaped(cell: str) -> str:
    """Return the cell without the mark of `escaped`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class CSVRows:
    """Iterate over `(line, cells)`, beginning with the names of the columns. Skip blank lines.

    Raise FileInvalid, which names the file and the line.
    """

    def __init__(
        self, file: Source, shown: str, *, encoding: str | None, separator: str | None, quote: str | None
    ) -> None:
        self._shown = shown
        self._lines = TextLines(file, shown, encoding=encoding, longest=MAX_ROW)
        self._separator = separator
        self._quote = quote
        self._row_characters = 0

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        head = self._head()
        self._separator = self._separator or _separator_of(head, self._quote or '"')
        self._quote = self._quote or _quote_of(head, self._separator)
        reader = csv.reader(self._counted(head), delimiter=self._separator, quotechar=self._quote, strict=True)
        began = self._lines.number
        while True:
            self._row_characters = 0
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise FileInvalid(f"{self._shown}, line {began}: not CSV: {error}. {_remedy(began)}") from None
            if cells:
                yield began, [unescaped(cell) for cell in cells]  # guard: formula-unescaped
            began = self._lines.number + 1

    @property
    def separator(self) -> str | None:
        """Return the separator of the cells; None until the first row is read."""
        return self._separator

    @property
    def note(self) -> str:
        """Return the file's encoding and separator, for people; "" for UTF-8 and commas."""
        separator = {"\t": "tab", ";": "semicolon", "|": "bar"}.get(self._separator or ",")
        encoding = self._lines.encoding.name
        words = [f"read as {encoding}"] if encoding != "utf-8" else []
        words += [f"separated by {separator}"] if separator is not None and words else []
        return ", ".join(words)

    def _head(self) -> str:
        head = next(self._lines, "")
        hint = _SPREADSHEET_HINT.fullmatch(head)
        if hint is not None:
            self._separator = self._separator or hint[1]
            head = next(self._lines, "")
        if not head.strip():
            line = max(1, self._lines.number)
            raise FileInvalid(
                f"{self._shown}, line {line}: no column names. The first line names the columns, one is `phone`."
            )
        return head

    def _counted(self, head: str) -> Iterator[str]:
        yield head
        for line in self._lines:
            self._row_characters += len(line)
            if self._row_characters > MAX_ROW:
                raise too_long(self._shown, self._lines.number, MAX_ROW)
            yield line


def _separator_of(head: str, quote: str) -> str:
    unquoted = re.sub(f"{re.escape(quote)}[^{re.escape(quote)}]*{re.escape(quote)}", "", head)
    return max(SEPARATORS, key=unquoted.count)


def _quote_of(head: str, separator: str) -> str:
    cells = head.rstrip("\r\n").split(separator)
    return "'" if all(len(cell) >= 2 and cell[0] == cell[-1] == "'" for cell in cells) else '"'


def _remedy(line: int) -> str:
    if line == 1:
        return "Save it anew as «CSV UTF-8», its lines ended by LF or CRLF."
    return "Look for a stray quotation mark."
