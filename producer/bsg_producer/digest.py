"""What makes two enqueues the same: messages, text and sender, in canonical form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, time
from decimal import Decimal
from hashlib import blake2b
from typing import Any

_DIGEST_BYTES = 32


class ContentDigest:
    """Takes messages as they stream by. How they are divided among the calls makes no difference.

    Canonical: the order of a mapping's keys does not count, nor whether it is a dict; values count with their
    type, so 5 and "5" are different content.
    """

    def __init__(self, *, text: str | None, sender: str | None) -> None:
        self._hash = blake2b(digest_size=_DIGEST_BYTES)
        self._hash.update(_written([text, sender]))

    def update(self, messages: Iterable[Any]) -> None:
        """Never raises for what a message is or holds: a bad one must not stop the others."""
        rows = list(messages)
        if not rows:
            return
        try:
            written = _written(rows)
        except Exception:  # keys of several types, what holds itself, a mapping that raises, a number without end
            # One by one, so that the others count fully.
            written = b"[" + b",".join(map(_written_alone, rows)) + b"]"
        self._hash.update(b"," + written[1:-1])

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=lambda value: _canonical(value)).encode


def _written(value: Any) -> bytes:
    return _encode(value).encode()


def _written_alone(row: Any) -> bytes:
    with suppress(Exception):
        return _written(row)
    with suppress(Exception):
        return _written(sorted((str(key), _written_shallow(value)) for key, value in row.items()))
    return _written({"not json": type(row).__name__})


def _written_shallow(value: Any) -> tuple[str, str]:
    kind = type(value).__name__
    if isinstance(value, int):
        return kind, hex(value)  # its decimal digits are refused beyond some thousands
    return kind, str(value) if isinstance(value, (str, float, Decimal, date, time)) else ""


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, (date, time)):
        return {"date": value.isoformat()}
    return {"not json": type(value).__name__}  # its repr may hold an address, which differs from try to try
