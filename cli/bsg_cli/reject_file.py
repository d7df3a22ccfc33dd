"""Print a campaign's rejects as a CSV file that can be corrected, sent again, and safely opened in a spreadsheet."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bsg_cli.errors import BadInput
from bsg_cli.message_files import STANDARD_INPUT, open_messages
from bsg_cli.printing import number
from bsg_messages.rejects import MAX_SHOWN, Reject
from bsg_producer.files import MessageFile, Reading
from bsg_producer.files.csv_writing import REJECT_COLUMNS, csv_file, reject_cells

# These come after the file's own columns, so that the corrected file can be sent as it is.
_WHY = ("reject_line", "reject_field", "reject_code", "reject_reason")


def print_rejects(rejects: Iterable[Reject]) -> None:
    """Print the rejects as the ledger keeps them. It does not keep all columns of their rows."""
    _print(REJECT_COLUMNS, map(reject_cells, rejects))


def print_rejected_rows(rejects: Sequence[Reject], path: Path, reading: Reading, accepted: int) -> None:
    """Print the whole rows of the file that were rejected, with the reasons.

    Raise BadInput, before printing anything, for a file that is not the one that was sent.
    """
    if path == STANDARD_INPUT:
        raise BadInput("--file: standard input cannot be read twice. Name the file itself.")
    with open_messages(path, reading) as file:
        columns = file.columns
        for _ in _matched(rejects, file, accepted):
            pass
    with open_messages(path, reading) as file:
        _print((*columns, *_WHY), _with_reasons(columns, _matched(rejects, file, accepted)))


def _with_reasons(
    columns: Sequence[str], matched: Iterable[tuple[Reject, int, Mapping[str, str | int]]]
) -> Iterator[Sequence[str]]:
    for reject, line, row in matched:
        cells = (str(row.get(column, "")) for column in columns)
        yield (*cells, str(line), reject.field, reject.code.value, reject.message)


def _matched(
    rejects: Sequence[Reject], file: MessageFile, accepted: int
) -> Iterator[tuple[Reject, int, Mapping[str, str | int]]]:
    wanted = iter(rejects)
    reject = next(wanted, None)
    rows = 0
    for index, row in enumerate(file):
        rows += 1
        if reject is not None and reject.index == index:
            # guard: reject-file-same-phones
            if reject.phone and str(row.get("phone", ""))[:MAX_SHOWN] != reject.phone:
                raise BadInput(f"{file.shown}, line {file.line}: not the phone that was sent. {_REMEDY}")
            yield reject, file.line, row
            reject = next(wanted, None)
    if rows != accepted:  # guard: reject-file-same-length
        raise BadInput(
            f"{file.shown}: {number(rows)} rows, but the campaign has {number(accepted)} messages. {_REMEDY}"
        )


_REMEDY = "Name the file that was sent, and read it with the same options."


def _print(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    for piece in csv_file(columns, rows):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
