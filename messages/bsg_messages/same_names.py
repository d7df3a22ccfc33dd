"""Whether messages all have the same names: asked once for a chunk, for its columns and for its digest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Names = tuple[str, ...]


def same_names(messages: Sequence[Any]) -> Names | None:
    """Return the names that every message has, in the order that all have them; None if they differ, or one is no
    dict."""
    if set(map(type, messages)) != {dict}:
        return None
    orders = set(map(tuple, messages))
    if len(orders) != 1:
        return None
    (names,) = orders
    return names if names and all(type(name) is str for name in names) else None
