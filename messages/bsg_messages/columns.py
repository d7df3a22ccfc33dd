"""A *chunk* of a campaign's messages as columns, which pack smaller and are checked faster than rows.

A chunk has each message's phone, sender, reference_id, tariff_code and transliterate. It also has the text or, with a
template, the fields that the template names. Texts, numbers and booleans stay as they are. Decimal, dates and times
become text. NaN, which is a table's empty cell, becomes null. A message that is not a mapping, and any other value,
becomes a `Violation`, and later a reject: one bad message never stops the others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from operator import itemgetter, methodcaller
from typing import Any

import orjson
import zstandard

from bsg_messages.rejects import RejectCode, Violation
from bsg_messages.same_names import Names, same_names
from bsg_messages.template import Template
from bsg_messages.template_values import MAX_INTEGER, MAX_VALUE_CHARACTERS

_FORMAT = 1
_LARGEST_CHUNK_BYTES = 1 << 30  # bounds unpacking in case that Redis has something else under the key
_INFINITE = "an infinite number: give a finite one"
MARKS = ("phone", "sender", "reference_id", "tariff_code", "transliterate")


@dataclass(frozen=True, slots=True, repr=False)
class Chunk:
    """Messages as columns of `size` values. A column without any value is None."""

    size: int
    phones: Sequence[Any] | None
    senders: Sequence[Any] | None
    reference_ids: Sequence[Any] | None
    tariff_codes: Sequence[Any] | None
    transliterate: Sequence[Any] | None
    texts: Sequence[Any] | None
    fields: Mapping[str, Sequence[Any]]
    violations: Mapping[int, Violation]


@dataclass(frozen=True, slots=True, repr=False)
class Packed:
    """A chunk for Redis. `written` has the JSON, without brackets, of columns whose values were not changed.

    `names` is the result of `same_names`.
    """

    content: bytes
    written: Mapping[str, bytes]
    names: Names | None


def pack(messages: Sequence[Any], template: Template | None) -> Packed:
    """Return the messages for Redis. No message makes it raise."""
    named = MARKS if template is not None else (*MARKS, "text")
    fields = template.fields if template is not None else ()
    names = tuple(dict.fromkeys((*named, *fields)))
    violations: dict[int, Violation] = {}
    all_have = same_names(messages)
    rows = (
        messages
        if all_have
        else [_mapping_or_violation(message, row, violations) for row, message in enumerate(messages)]
    )
    as_given: set[str] = set()
    columns: dict[str, list[Any] | None] = dict.fromkeys(names)
    for name in names:
        if all_have is None:
            columns[name] = _column(rows, methodcaller("get", name), name, violations, as_given)
        elif name in all_have:
            columns[name] = _column(rows, itemgetter(name), name, violations, as_given)
    for row in violations:
        for name in set(names) - set(MARKS):
            if (column := columns[name]) is not None:
                column[row] = None
    written = {name: _written(column) for name, column in columns.items()}
    packed = _object(
        {
            "format": b"%d" % _FORMAT,
            "size": b"%d" % len(messages),
            "columns": _object({name: written[name] for name in named if columns[name] is not None}),
            "fields": _object({name: written[name] for name in fields}),
            "violations": _encode(
                [[row, one.field, one.code.value, one.message] for row, one in sorted(violations.items())]
            ).encode(),
        }
    )
    content = zstandard.ZstdCompressor(level=1).compress(packed)
    return Packed(content, {} if violations else {name: written[name][1:-1] for name in as_given}, all_have)


def unpack(packed: bytes) -> Chunk:
    """Return the chunk. Raise ValueError for anything that `pack` did not write."""
    try:
        plain = zstandard.ZstdDecompressor().decompress(packed, max_output_size=_LARGEST_CHUNK_BYTES)
    except zstandard.ZstdError as error:
        raise ValueError(f"not a packed chunk: {error}") from None
    found = json.loads(plain)
    if found.get("format") != _FORMAT:
        raise ValueError("packed by another version of this library: run the same version everywhere")
    columns = found["columns"]
    size = found["size"]
    nothing = [None] * size
    return Chunk(
        size=size,
        phones=columns.get("phone"),
        senders=columns.get("sender"),
        reference_ids=columns.get("reference_id"),
        tariff_codes=columns.get("tariff_code"),
        transliterate=columns.get("transliterate"),
        texts=columns.get("text"),
        fields={name: column or nothing for name, column in found["fields"].items()},
        violations={
            row: Violation(field, RejectCode(code), message) for row, field, code, message in found["violations"]
        },
    )


def kept_values(message: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return these fields of one message as a chunk would have them. Raise Violation."""
    violations: dict[int, Violation] = {}
    row = _mapping_or_violation(message, 0, violations)
    values = {name: _kept(_read(row, name, 0, violations), name, 0, violations) for name in names}
    for violation in violations.values():
        raise violation
    return values


def _object(members: Mapping[str, bytes]) -> bytes:
    """Return a JSON object with members that are JSON already."""
    return b"{" + b",".join(_encode(name).encode() + b":" + member for name, member in members.items()) + b"}"


def _written(column: list[Any] | None) -> bytes:
    try:
        return orjson.dumps(column)
    except orjson.JSONEncodeError:  # integers of more than 64 bits
        return _encode(column).encode()


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _column(
    rows: Sequence[Any], take: Callable[[Any], Any], name: str, violations: dict[int, Violation], as_given: set[str]
) -> list[Any] | None:
    """Return the field's values; None if no message has any. Add the name to `as_given` if no value was changed."""
    try:
        values = list(map(take, rows))
    except Exception:  # a caller's mapping may raise anything, which makes only that message invalid
        values = [_read(message, name, row, violations) for row, message in enumerate(rows)]
    kinds = set(map(type, values))
    if kinds == {type(None)} or not kinds:
        return None
    if _surely_kept(values, kinds):
        as_given.add(name)
    else:
        for row, value in enumerate(values):
            if row not in violations:
                values[row] = _kept(value, name, row, violations)
            elif value is not None:
                values[row] = _kept(value, name, row, {})
    return values


def _surely_kept(values: list[Any], kinds: set[type]) -> bool:
    """Return whether the whole column can be kept as it is, without checking each value."""
    if kinds == {int}:
        return bool(min(values) > -MAX_INTEGER and max(values) < MAX_INTEGER)
    if kinds == {str, type(None)}:
        values = list(filter(None, values))
    elif kinds != {str}:
        return False
    return max(map(len, values), default=0) <= MAX_VALUE_CHARACTERS and _encodable("".join(values))


def _kept(value: Any, name: str, row: int, violations: dict[int, Violation]) -> Any:
    """Return the value for JSON. If JSON has no such value, record the message's violation."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        if value.is_nan():
            return None
        if value.is_infinite():
            return _not_json(row, name, _INFINITE, violations)
        value = str(value)
    if isinstance(value, (date, time)):
        if value != value:  # also true for pandas' NaT, which is a table's empty cell
            return None
        value = value.isoformat()
    if isinstance(value, str):
        if len(value) > MAX_VALUE_CHARACTERS:
            return _not_json(row, name, f"longer than {MAX_VALUE_CHARACTERS} characters: shorten it", violations)
        if not _encodable(value):
            return _not_json(
                row, name, "not Unicode text (it has half a surrogate pair): correct its encoding", violations
            )
        return str.__str__(value)
    if isinstance(value, int):
        if -MAX_INTEGER < value < MAX_INTEGER:
            return int(value)
        return _not_json(row, name, "a number of more than 40 digits: give it as a text", violations)
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if math.isfinite(value):
            return float(value)
        return _not_json(row, name, _INFINITE, violations)
    kind = type(value).__name__
    return _not_json(row, name, f"a {kind}, which JSON does not have: give a text, a number or a date", violations)


def _not_json(row: int, name: str, message: str, violations: dict[int, Violation]) -> None:
    violations.setdefault(row, Violation(name, RejectCode.NOT_JSON, message))


def _mapping_or_violation(message: Any, row: int, violations: dict[int, Violation]) -> Mapping[str, Any]:
    if isinstance(message, Mapping):
        return message
    kind = type(message).__name__
    violations[row] = Violation(
        "", RejectCode.NOT_A_MAPPING, f"a {kind}, not a mapping: give a dict with phone and text"
    )
    return {}


def _read(message: Mapping[str, Any], name: str, row: int, violations: dict[int, Violation]) -> Any:
    try:
        return message.get(name)
    except Exception as error:  # a caller's mapping may raise anything
        return _not_json(row, name, f"reading it raised {type(error).__name__}: give a plain dict", violations)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
