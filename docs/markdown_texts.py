"""What several pages of the reference have in common: tables, and docstrings."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Iterator
from typing import Any


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def documentation(subject: object) -> str:
    """Return the docstring, with its examples as blocks of code."""
    paragraphs = (inspect.getdoc(subject) or "").split("\n\n")
    return "\n\n".join(f"```pycon\n{text}\n```" if text.startswith(">>> ") else text for text in paragraphs)


def fields_of(kind: Any) -> Iterator[str]:
    yield from table(("field", "type"), ((f"`{field.name}`", f"`{field.type}`") for field in dataclasses.fields(kind)))
