"""A guard as data: what it keeps, its text, the text without it, and what must miss it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


class ListRotten(Exception):
    """A guard of the list is not in its file as the list says: mend the list."""


@dataclass(frozen=True)
class Guard:
    """One guard of one file.

    `caught_by`: the cheapest first, each a test's node id or the name of a size of the exploration; one of them has
    to fail without the guard. `hangs`: without the guard it is right that the run does not end.
    """

    sentence: str
    file: str
    text: str
    without: str
    caught_by: tuple[str, ...]
    hangs: bool = False

    def undone(self, source: str) -> str:
        """The file's source without the guard. Raises `ListRotten` unless the text is in it exactly once."""
        times = source.count(self.text)
        if times != 1:
            raise ListRotten(f"{self.file} has {times} times {self.text!r} ({self.sentence}): mend the list of guards")
        return source.replace(self.text, self.without)


def guards_of(file: str, *rows: tuple[str, ...], hang: Sequence[str] = ()) -> tuple[Guard, ...]:
    """The guards of one file, a row each: the sentence, the text, the text without it, and what catches it.

    `hang`: the sentences of those without which it is right that the run does not end.
    """
    return tuple(
        Guard(sentence, file, text, without, tuple(by), hangs=sentence in hang) for sentence, text, without, *by in rows
    )
