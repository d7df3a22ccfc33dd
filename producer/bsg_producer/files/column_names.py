"""Name the columns by the first row of a file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from bsg_messages import rules
from bsg_producer.errors import FileInvalid

# Messages have these fields whatever the campaign's text.
MESSAGE_FIELDS = ("phone", "text", "sender", "reference_id", "tariff_code", "transliterate")
_MAX_SHOWN = 200
_BETWEEN_WORDS = re.compile(r"[\s_]+")
_BETWEEN_DIGITS = re.compile(r"[\s().+-]+")


def name_columns(
    where: str, cells: Sequence[str], mapped: Mapping[str, str], fields: Collection[str]
) -> tuple[str, ...]:
    """Return the columns' names in messages; "" for a column that is left out.

    `mapped`: columns by the name that they get. `fields`: the fields of the text. A column with exactly the name comes
    first; otherwise case, blanks and underscores do not count. Raise FileInvalid, which begins with `where`.
    """
    names = [name.strip() for name in cells]
    _check_names(where, names)
    columns = {name: _column_of(where, names, name, column) for name, column in mapped.items()}
    named = ["" if name in mapped else name for name in names]
    for name, index in columns.items():
        named[index] = name
    for wanted in dict.fromkeys((*MESSAGE_FIELDS, *fields)):
        if wanted in named:
            continue
        alike = [index for index, name in enumerate(named) if index not in columns.values() and _alike(name, wanted)]
        if len(alike) > 1:  # guard: column-unambiguous
            message = shown([names[index] for index in alike])
            raise FileInvalid(f"{where}: which column is `{wanted}`: {message}? Rename the others.", "columns")
        if alike:
            named[alike[0]] = wanted
    if "phone" not in named:
        raise FileInvalid(
            f"{where}: no column is named `phone`. Found: {shown(names)}. Rename the one it is, or name it.", "columns"
        )
    repeated = sorted({name for some in (names, [*filter(None, named)]) for name in some if some.count(name) > 1})
    if repeated:
        message = shown([name or "(no name)" for name in repeated])
        raise FileInvalid(f"{where}: named more than once: {message}. Give each its name.")
    return tuple(named)


def shown(names: Sequence[str]) -> str:
    """Return the names as an error shows them, cut off if there are many."""
    found = ", ".join(names)
    return found if len(found) <= _MAX_SHOWN else f"{found[:_MAX_SHOWN]}…"


def _check_names(where: str, names: Sequence[str]) -> None:
    for index, name in enumerate(names, 1):
        digits = _BETWEEN_DIGITS.sub("", name)
        if digits.isdecimal() and len(digits) >= rules.MIN_PHONE_DIGITS:
            raise FileInvalid(
                f"{where}, column {index}: a phone where the name of a column belongs. "
                "Put a line above the rows that names the columns, such as phone,name."
            )
        if (control := rules.control_character(name, allowed="")) is not None:
            raise FileInvalid(f"{where}, column {index}: the name has the control character {control}. Remove it.")


def _column_of(where: str, names: Sequence[str], name: str, column: str) -> int:
    exact = [index for index, found in enumerate(names) if found == column]
    alike = exact or [index for index, found in enumerate(names) if _alike(found, column)]
    if not alike:
        raise FileInvalid(
            f"{where}: no column is named {column!r}, which is to be `{name}`. Found: {shown(names)}.", "columns"
        )
    if len(alike) > 1 and not exact:
        message = shown([names[index] for index in alike])
        raise FileInvalid(f"{where}: which column is {column!r}: {message}? Rename the others.", "columns")
    return alike[0]


def _alike(one: str, other: str) -> bool:
    return _BETWEEN_WORDS.sub("", one).casefold() == _BETWEEN_WORDS.sub("", other).casefold()
