"""The digest by which two enqueues are the same: of messages, text, sender and account, in canonical form.

It hashes columns, because those are written for Redis anyway. Writing every message again would double the time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, time
from decimal import Decimal
from hashlib import blake2b
from itertools import groupby
from typing import Any

from bsg_messages.same_names import Names

_DIGEST_BYTES = 16  # collisions of 128 bits are not met, and the digest is kept with each campaign
_Names = tuple[str | None, ...]


class ContentDigest:
    """The digest of a stream of messages. Their division among the calls makes no difference.

    Neither the order of a mapping's keys nor the mapping's type counts. The types of values count: 5 and "5" differ.
    """

    def __init__(self, *, text: str | None, sender: str | None, account: str) -> None:
        self._hash = blake2b(_written([text, sender, account]), digest_size=_DIGEST_BYTES)  # guard: digest-has-content
        self._run = _Run(())

    def update(
        self, messages: Sequence[Any], written: Mapping[str, bytes] | None = None, all_have: Names | None = None
    ) -> None:
        """Add messages. A bad message raises nothing, because it must not stop the others.

        `written` may have whole columns as `write_column` writes them. `all_have` is the result of `same_names`, if the
        caller has it.
        """
        runs = _runs(messages) if all_have is None else [(tuple(sorted(all_have)), messages)]
        for names, rows in runs:
            if names != self._run.names:
                self._hash.update(self._run.digest())
                self._run = _Run(names)
            known = written if written and len(rows) == len(messages) else {}
            self._run.add(rows, known)

    def hexdigest(self) -> str:
        whole = self._hash.copy()
        whole.update(self._run.digest())
        return whole.hexdigest()


class _Run:
    """Consecutive messages that have the same names."""

    def __init__(self, names: _Names) -> None:
        self.names = names
        self._size = 0
        self._columns = {name: blake2b(digest_size=_DIGEST_BYTES) for name in names}

    def add(self, rows: Sequence[Mapping[Any, Any]], written: Mapping[str, bytes]) -> None:
        self._size += len(rows)
        for name, column in self._columns.items():
            known = None if name is None else written.get(name)
            column.update(write_column([row[name] for row in rows]) if known is None else known)
            column.update(b",")

    def digest(self) -> bytes:
        return _written([self._size, self.names]) + b"".join(column.digest() for column in self._columns.values())


def write_column(values: Sequence[Any]) -> bytes:
    """Return the values as JSON, separated by commas. A value that JSON lacks does not affect the others."""
    try:
        return _written(values)[1:-1]
    except Exception:  # keys of several types, recursion, a large number, whatever a caller's mapping raises
        return b",".join(map(_written_alone, values))  # guard: digest-value-alone


def _runs(messages: Sequence[Any]) -> Iterator[tuple[_Names, Sequence[Mapping[Any, Any]]]]:
    """Yield runs of messages, each with the sorted names that its messages share."""
    for names, rows in groupby(map(_mapping, messages), lambda row: tuple(sorted(row))):
        yield names, list(rows)


def _mapping(message: Any) -> Mapping[Any, Any]:
    """Return the message, or a description of it if it is not a mapping from names."""
    kind = type(message).__name__
    if not isinstance(message, Mapping):
        return {None: [kind, message]}
    try:
        row = dict(message)
        if _has_names(row):
            return row
        pairs = sorted((str(key), _written_alone(value).decode()) for key, value in row.items())
    except Exception:  # the caller's mapping may raise anything
        return {None: [kind]}
    return {None: ["dict", pairs]}


def _has_names(row: Mapping[Any, Any]) -> bool:
    return bool(row) and all(type(name) is str for name in row)


_encode = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=lambda value: _canonical(value)
).encode


def _written(value: Any) -> bytes:
    return _encode(value).encode("utf-8", "surrogatepass")


def _written_alone(value: Any) -> bytes:
    with suppress(Exception):  # as in write_column
        return _written(value)
    kind = type(value).__name__
    if isinstance(value, int):
        return _written({"not json": kind, "is": hex(value)})  # Python refuses to write thousands of decimal digits
    return _written({"not json": kind})


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, (date, time)):
        return {"date": value.isoformat()}
    return {"not json": type(value).__name__}  # its repr may contain an address, which differs at each attempt
