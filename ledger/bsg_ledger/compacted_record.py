"""The record of a compacted campaign: its fields, batches, transitions and rejects in a few hundred bytes.

Fields are as the hashes had them, so that one parser reads either form. Rows are stored as columns, and numbers as
differences from the row before, because these compress best. Most names and words are in the dictionary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import orjson
import zstandard

from bsg_ledger.scripts import text_of

Fields = Mapping[str, str]

ROWS_A_PAGE = {"batches": 500, "events": 1000, "rejects": 1000}

_VERSION = b"\x01"  # of the format and of its dictionary
_DICTIONARY = "compacted_record.dictionary"
_LEVEL = 12

# What only upkeep, dispatch and preparing read.
_WORKING = frozenset(
    (
        *("opens_at", "closes_at", "held_until", "pass", "joined", "chunks", "next_index", "started"),
        *("collects_until", "collecting_batch", "options_digest", "unreadable", "unreadable_at", "bodies_forgotten_at"),
        *("since", "chunk", "collects_from", "token", "lease_until", "suppressions", "explained", "gate_shuts"),
        *("polled_at", "unread_at", "lost_at", "held_for", "max_cost_per_day", "day", "day_cost"),
    )
)
_TIMES = frozenset(
    (
        *("deadline", "closed_at", "start_at", "not_before", "intent_at", "first_intent_at", "submitted_at"),
        *("bsg_status_at", "finished_at", "at", "entry"),
    )
)


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one kind of rows that are not in the record itself. `firsts`: the key of each page's first row."""

    rows: int = 0
    firsts: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class CompactedRecord:
    """`batches`, `events` and `rejects` have all rows of the kind, or none if they are in pages.

    An event has its id in the stream as `entry` and `entry_sequence`. A reject has `index` and `row`.
    """

    fields: Fields
    batches: Sequence[Fields] = ()
    events: Sequence[Fields] = ()
    rejects: Sequence[Fields] = field(default=(), repr=False)
    pages: Mapping[str, Pages] = field(default_factory=dict)

    @property
    def accepted_at_ms(self) -> int:
        return int(self.fields["accepted_at"])

    def to_bytes(self) -> bytes:
        base = self.accepted_at_ms
        fields = {name: value for name, value in self.fields.items() if name != "accepted_at"}
        kinds = [_columns(rows, base) for rows in ([fields], self.batches, self.events, self.rejects)]
        pages = {kind: [pages.rows, _differences(pages.firsts)] for kind, pages in self.pages.items()}
        return _packed([base, *kinds, pages])

    @classmethod
    def from_bytes(cls, written: bytes) -> CompactedRecord:
        """Raise ValueError for anything else."""
        base, *kinds, pages = _unpacked(written)
        (fields,), batches, events, rejects = (_rows(columns, base) for columns in kinds)
        return cls(
            {"accepted_at": str(base), **fields},
            batches,
            events,
            rejects,
            {kind: Pages(rows, _sums(firsts)) for kind, (rows, firsts) in pages.items()},
        )


def page_bytes(rows: Sequence[Fields], accepted_at_ms: int) -> bytes:
    """Return a page of rows of a campaign."""
    return _packed(_columns(rows, accepted_at_ms))


def page_rows(written: bytes, accepted_at_ms: int) -> list[Fields]:
    """Return the rows of a page. Raise ValueError for anything else."""
    return _rows(_unpacked(written), accepted_at_ms)


def lasting(fields: Fields) -> Fields:
    """Return the fields of a campaign or a batch that are kept: those that somebody reads after its end."""
    return {
        name: value
        for name, value in fields.items()
        if value and name not in _WORKING and not (value == "0" and _is_flag_or_count(name))
    }


def _is_flag_or_count(name: str) -> bool:
    return name in ("paused", "cancelled") or name.startswith(("messages:", "batches:"))


def event_row(entry: str, fields: Fields) -> Fields:
    """Return the row of an event by its id and its fields in the stream."""
    time, _, sequence = entry.partition("-")
    kept = {name: value for name, value in fields.items() if value and name != "sequence"}
    return {"entry": time, "entry_sequence": sequence, **kept}


def entry_of(row: Fields) -> str:
    """Return the id in the stream of an event."""
    return f"{row['entry']}-{row['entry_sequence']}"


def reject_row(index: float, row: bytes) -> Fields:
    return {"index": str(int(index)), "row": text_of(row)}


def _columns(rows: Sequence[Fields], base: int) -> list[Any]:
    """Return the number of rows, and the values of each name: texts, or differences of whole numbers."""
    names = sorted({name for row in rows for name in row})
    return [len(rows), {name: _column([row.get(name) for row in rows], _first(name, base)) for name in names}]


def _column(values: Sequence[str | None], first: int) -> list[Any]:
    if all(value is None or _is_whole(value) for value in values):
        return _differences([None if value is None else int(value) for value in values], first)
    return list(values)


def _rows(columns: Sequence[Any], base: int) -> list[Fields]:
    size, by_name = columns
    rows: list[dict[str, str]] = [{} for _ in range(size)]
    for name, written in by_name.items():
        values = written if any(isinstance(value, str) for value in written) else _sums(written, _first(name, base))
        for row, value in zip(rows, values, strict=True):
            if value is not None:
                row[name] = str(value)
    return list(rows)


def _first(name: str, base: int) -> int:
    return base if name in _TIMES else 0


def _is_whole(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) < 18 and (value == "0" or value[0] != "0")


def _differences(values: Iterable[int | None], first: int = 0) -> list[int | None]:
    found, before = list[int | None](), first
    for value in values:
        found.append(None if value is None else value - before)
        before = before if value is None else value
    return found


def _sums(differences: Iterable[int | None], first: int = 0) -> list[Any]:
    found, before = list[int | None](), first
    for difference in differences:
        before += difference or 0
        found.append(None if difference is None else before)
    return found


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    content = (resources.files(__package__) / _DICTIONARY).read_bytes()
    return zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _packed(value: Any) -> bytes:
    compressor = zstandard.ZstdCompressor(level=_LEVEL, dict_data=_dictionary(), write_checksum=True)
    return _VERSION + compressor.compress(orjson.dumps(value))


def _unpacked(written: bytes) -> Any:
    if written[:1] != _VERSION:
        raise ValueError("not a compacted record of this version")
    try:
        return orjson.loads(zstandard.ZstdDecompressor(dict_data=_dictionary()).decompress(written[1:]))
    except zstandard.ZstdError as error:
        raise ValueError(f"not a compacted record: {error}") from None
