"""Write CSV that can be corrected, sent again, and safely opened in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from bsg_messages.rejects import Reject
from bsg_producer.files.csv_rows import escaped

ROWS_AT_ONCE = 1000
REJECT_COLUMNS = ("index", "phone", "reference_id", "field", "code", "reason")
_BYTE_ORDER_MARK = "\ufeff"  # spreadsheets recognise UTF-8 by it


def reject_cells(reject: Reject) -> Sequence[str]:
    """Return what REJECT_COLUMNS have of a reject."""
    return str(reject.index), reject.phone, reject.reference_id, reject.field, reject.code.value, reject.message


def csv_file(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield a CSV file of these rows in pieces of ROWS_AT_ONCE rows.

    >>> b"".join(csv_file(["phone"], [["380661231231"], ["=1+1"]]))
    b"\\xef\\xbb\\xbfphone\\r\\n380661231231\\r\\n'=1+1\\r\\n"
    """
    remaining = iter(rows)
    some = _escaped(islice(remaining, ROWS_AT_ONCE))  # an error in the first rows comes before anything is written
    yield _encoded([columns, *some], _BYTE_ORDER_MARK)
    while some := _escaped(islice(remaining, ROWS_AT_ONCE)):
        yield _encoded(some)


def _escaped(rows: Iterable[Sequence[str]]) -> list[list[str]]:
    return [[escaped(cell) for cell in row] for row in rows]


def _encoded(rows: Iterable[Sequence[str]], before: str = "") -> bytes:
    text = io.StringIO(newline="")
    text.write(before)
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
