"""Format, compare and filter the values in a template, in bounded time and size."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bsg_messages.rules import is_blank

# Longer values are cut first. No SMS can contain as much.
MAX_VALUE_CHARACTERS = 4_096
MAX_TRUNCATE_LENGTH = 1_000
MAX_INTEGER = 10**40  # a message's values are bounded likewise, and Python refuses to write 4 300 digits

TextFilter = Callable[[str], str]

_WORD = re.compile(r"([-\s({\[<]+)")


@dataclass(frozen=True, slots=True)
class Missing:
    """A field that is missing or blank in the message."""

    name: str


def field_value(name: str, value: Any) -> Any:
    if isinstance(value, str):
        value = value[:MAX_VALUE_CHARACTERS]
    return Missing(name) if is_blank(value) else value


def written(value: Any) -> str:
    """Return the value as the text shows it."""
    if isinstance(value, str):
        return value[:MAX_VALUE_CHARACTERS]
    return str(value)[:MAX_VALUE_CHARACTERS]


def truth(value: Any) -> bool:
    return not isinstance(value, Missing) and bool(value)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}


def compare(kind: str, left: Any, right: Any) -> bool:
    """Compare as numbers if one side is a number and the other can be parsed as one, otherwise as texts."""
    if isinstance(left, Missing) or isinstance(right, Missing):
        return kind == "ne"
    if isinstance(left, str) and isinstance(right, str):
        return COMPARISONS[kind](left, right)
    numbers = _number(left), _number(right)
    if None not in numbers:
        return COMPARISONS[kind](*numbers)
    return COMPARISONS[kind](written(left), written(right))


def title(value: str) -> str:
    """Capitalise words as Jinja2 does: also after a hyphen or a bracket, with the rest of the word in lower case."""
    return "".join(word[:1].upper() + word[1:].lower() for word in _WORD.split(value) if word)


def truncate(length: int, killwords: bool = False, end: str = "...", leeway: int = 5) -> TextFilter:
    """Return a filter that truncates as Jinja2 does: a text that is longer by at most `leeway` stays.

    Other texts end in `end`, within `length`. Raise ValueError for a length or a leeway out of range.
    """
    if not len(end) <= length <= MAX_TRUNCATE_LENGTH:
        raise ValueError(f"truncate takes a length from {len(end)} (its ending) to {MAX_TRUNCATE_LENGTH}")
    if not 0 <= leeway <= MAX_TRUNCATE_LENGTH:
        raise ValueError(f"truncate takes a leeway from 0 to {MAX_TRUNCATE_LENGTH}")
    kept = length - len(end)

    def shorten(value: str) -> str:
        if len(value) <= length + leeway:
            return value
        return (value[:kept] if killwords else value[:kept].rsplit(" ", 1)[0]) + end

    return shorten


def _number(value: Any) -> float | None:
    if isinstance(value, (int, float)):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
