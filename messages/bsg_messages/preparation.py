"""Prepare a chunk: its valid messages become request bodies, its invalid ones rejects.

The fast path checks whole columns. The exact path checks, one by one, the messages that the fast path does not accept.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, TypeVar

import orjson
import zstandard

from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.columns import Chunk
from bsg_messages.fast_path import CheckedColumns, check_columns
from bsg_messages.messages import Message
from bsg_messages.one_message import check_rendered
from bsg_messages.reference_ids import generated_ids
from bsg_messages.rejects import MAX_SHOWN, Reject, RejectCode, Violation
from bsg_messages.template import Template

T = TypeVar("T")
SuppressedAmong = Callable[[Sequence[str]], Collection[str]]
SUPPRESSED = Violation("phone", RejectCode.SUPPRESSED, "on the list of phones that are never sent to (unsuppress)")
_SAME_MESSAGE = "the same phone and text were there before: leave it out, or allow duplicates"
_SAME_REFERENCE_ID = "the reference id was there before: give each message one of its own, or none"

_ROWS_AT_ONCE = 1_000  # takes half the time of a whole batch at once, because the data stays in the CPU cache

# JSON has no line breaks within a text, so texts on separate lines can be split again.
_BEFORE_TEXTS, _BETWEEN_TEXTS, _AFTER_TEXTS = "[\n  ", ",\n  ", "\n]"


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """`body` is one request's messages array (zstd of JSON). `indexes` are its messages' indexes in the campaign."""

    size: int
    body: bytes
    indexes: Sequence[int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared chunk: each of its messages is in exactly one batch or reject."""

    batches: Sequence[PreparedBatch]
    rejects: Sequence[Reject]


def prepare(
    chunk: Chunk,
    options: CampaignOptions,
    *,
    campaign_id: str,
    first_index: int,
    batch_size: int,
    suppressed: SuppressedAmong | None = None,
) -> Prepared:
    """Check and render every message of the chunk. The valid ones go into batches of `batch_size` at most.

    `suppressed` returns the suppressed ones among some phones; None: no phone is suppressed.

    A batch has each phone once: a second message to it goes into a later batch. The same phone with the same text is a
    reject unless the options allow duplicates. A reference id that an earlier message has is a reject too.
    """
    template = None if options.text is None else Template.parse(options.text)
    columns = check_columns(
        chunk,
        sender=options.sender,
        texts=chunk.texts if template is None else template.render_columns(chunk.fields, chunk.size),
        generated_ids=generated_ids(campaign_id, first_index, chunk.size),
    )
    violations: dict[int, Violation] = dict(chunk.violations)
    for row in sorted(columns.exact_rows - violations.keys()):  # guard: doubtful-row-checked
        try:
            columns.put(row, _check_exactly(chunk, options, template, row))
        except Violation as violation:
            violations[row] = violation.with_traceback(None)  # the traceback would keep the message in memory
    # guard: invalid-row-left-out
    rows = [row for row in range(chunk.size) if row not in violations] if violations else list(range(chunk.size))
    if suppressed is not None:
        rows = _without_suppressed(columns.phones, rows, violations, suppressed)
    rows = _without_repeats(columns, rows, violations, check_ids=chunk.reference_ids is not None, options=options)
    batches = [
        _batch(columns, layer[start : start + batch_size], first_index, options.transliterate)
        for layer in _layers(columns.phones, rows)
        for start in range(0, len(layer), batch_size)  # guard: batch-size
    ]
    return Prepared(batches, [_reject(chunk, first_index, row, violations[row]) for row in sorted(violations)])


def _check_exactly(chunk: Chunk, options: CampaignOptions, template: Template | None, row: int) -> Message:
    """Return the message in BSG's format. Raise Violation."""
    given = {
        "phone": _at(chunk.phones, row),
        "sender": _at(chunk.senders, row),
        "text": _at(chunk.texts, row),
        "reference_id": _at(chunk.reference_ids, row),
        "tariff_code": _at(chunk.tariff_codes, row),
        "transliterate": _at(chunk.transliterate, row),
    }
    return check_rendered(given, {name: column[row] for name, column in chunk.fields.items()}, options, template)


def _without_suppressed(
    phones: Sequence[str], rows: list[int], violations: dict[int, Violation], suppressed: SuppressedAmong
) -> list[int]:
    """Return the rows whose phones are not suppressed. Record the others as violations."""
    listed = suppressed(list(map(phones.__getitem__, rows)))
    if not listed:
        return rows
    violations.update((row, SUPPRESSED) for row in rows if phones[row] in listed)
    return [row for row in rows if phones[row] not in listed]


def _without_repeats(
    columns: CheckedColumns,
    rows: list[int],
    violations: dict[int, Violation],
    *,
    check_ids: bool,
    options: CampaignOptions,
) -> list[int]:
    """Return the rows that repeat no earlier one. Record the others as violations."""
    phones, texts, ids = columns.phones, columns.texts, columns.reference_ids
    phones_again = set() if options.allow_duplicates else _repeated(phones, rows)
    ids_again = _repeated(ids, rows) if check_ids else set()
    if not phones_again and not ids_again:
        return rows
    known_ids: set[str] = set()
    known_messages: set[tuple[str, str]] = set()
    dropped: set[int] = set()
    for row in rows:
        if phones[row] not in phones_again and ids[row] not in ids_again:
            continue
        message = phones[row], texts[row]
        if ids[row] in known_ids:  # guard: reference-id-unique
            violations[row] = Violation("reference_id", RejectCode.DUPLICATE_REFERENCE_ID, _SAME_REFERENCE_ID)
            dropped.add(row)
        elif not options.allow_duplicates and message in known_messages:  # guard: duplicate-message
            violations[row] = Violation("phone", RejectCode.DUPLICATE, _SAME_MESSAGE)
            dropped.add(row)
        else:
            known_ids.add(ids[row])
            known_messages.add(message)
    return [row for row in rows if row not in dropped] if dropped else rows


def _repeated(column: Sequence[str], rows: Sequence[int]) -> set[str]:
    """Return the values that occur in more than one of the rows."""
    values = list(map(column.__getitem__, rows))
    if len(set(values)) == len(values):
        return set()
    return {value for value, times in Counter(values).items() if times > 1}


def _layers(phones: Sequence[str], rows: list[int]) -> list[list[int]]:
    """Divide the rows, in order, into as few lists as possible, each without a repeated phone."""
    again = _repeated(phones, rows)
    later: list[list[int]] = []
    times: dict[str, int] = {}
    for row in rows if again else ():
        if phones[row] not in again:
            continue
        before = times.get(phones[row], 0)
        times[phones[row]] = before + 1
        if before > len(later):
            later.append([])
        if before:  # guard: phone-once-in-batch
            later[before - 1].append(row)
    moved = {row for layer in later for row in layer}
    first = [row for row in rows if row not in moved] if moved else rows
    return [layer for layer in (first, *later) if layer]


def _batch(columns: CheckedColumns, rows: list[int], first_index: int, transliterate: bool) -> PreparedBatch:
    names = {sender: json.dumps(sender) for sender in set(map(columns.senders.__getitem__, rows))}
    written = [
        _written(columns, rows[start : start + _ROWS_AT_ONCE], names, transliterate)
        for start in range(0, len(rows), _ROWS_AT_ONCE)
    ]
    body = zstandard.ZstdCompressor(level=1).compress(b"[" + b",".join(written) + b"]")
    first, last = first_index + rows[0], first_index + rows[-1]
    in_a_run = last - first + 1 == len(rows)
    indexes = range(first, last + 1) if in_a_run else [first_index + row for row in rows]
    return PreparedBatch(len(rows), body, indexes)


def _written(columns: CheckedColumns, rows: list[int], names: Mapping[str, str], transliterate: bool) -> bytes:
    """Return the rows as JSON, without the brackets around them."""
    phones, senders, texts, ids = (
        _taken(column, rows) for column in (columns.phones, columns.senders, columns.texts, columns.reference_ids)
    )
    if len(names) == 1:
        (name,) = names.values()
        middles: Iterable[str] = repeat(f',"sender":{name},"text":', len(rows))
    else:
        middles = [f',"sender":{names[sender]},"text":' for sender in senders]
    in_lines = orjson.dumps(texts, option=orjson.OPT_INDENT_2).decode()
    written_texts = in_lines[len(_BEFORE_TEXTS) : -len(_AFTER_TEXTS)].split(_BETWEEN_TEXTS)
    ends = _ends(columns, rows, transliterate)
    pieces = zip(phones, middles, written_texts, ids, ends, strict=True)
    return ",".join(
        [
            f'{{"phone":{phone}{middle}{text},"reference_id":"{reference_id}"{end}'
            for phone, middle, text, reference_id, end in pieces
        ]
    ).encode()


def _ends(columns: CheckedColumns, rows: list[int], transliterate: bool) -> Iterable[str]:
    """Return the optional fields of each row, with the closing bracket."""
    if columns.tariff_codes is None and columns.transliterate is None:
        return repeat(',"transliterate":true}' if transliterate else "}", len(rows))
    codes = repeat(None, len(rows)) if columns.tariff_codes is None else _taken(columns.tariff_codes, rows)
    own = repeat(None, len(rows)) if columns.transliterate is None else _taken(columns.transliterate, rows)
    return [
        ("" if code is None else f',"tariff_code":{code}')
        + (',"transliterate":true}' if (transliterate if each is None else each) else "}")
        for code, each in zip(codes, own, strict=True)
    ]


def _taken(column: list[T], rows: list[int]) -> list[T]:
    if rows[-1] - rows[0] + 1 == len(rows):
        return column[rows[0] : rows[-1] + 1]
    return list(map(column.__getitem__, rows))


def _reject(chunk: Chunk, first_index: int, row: int, violation: Violation) -> Reject:
    return Reject.of(
        violation,
        index=first_index + row,
        phone=_shown(_at(chunk.phones, row)),
        reference_id=_shown(_at(chunk.reference_ids, row)),
    )


def _at(column: Sequence[Any] | None, row: int) -> Any:
    return None if column is None else column[row]


def _shown(value: Any) -> str:
    return "" if value is None else str(value)[:MAX_SHOWN]
