"""Find whether all messages have the same names. A chunk's columns and its digest share the result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Names = tuple[str, ...]


def same_names(messages: Sequence[Any]) -> Names | None:
    """Return the names of every message, in their common order; None if they differ, or a message is not a dict."""
    if set(map(type, messages)) != {dict}:
        return None
    orders = set(map(tuple, messages))
    if len(orders) != 1:
        return None
    (names,) = orders
    return names if names and all(type(name) is str for name in names) else None
