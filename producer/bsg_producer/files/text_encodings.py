"""Which encoding a text is in, by its beginning."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

WINDOWS_CYRILLIC = "cp1251"
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}

_HIGH_HALF = bytes(range(0x80, 0x100)).decode(WINDOWS_CYRILLIC, "ignore")
_LETTERS = "".join(character for character in _HIGH_HALF if character.isalpha() and not character.isascii())
_SIGNS = "№«»„“”‘’…–—•§©®™€°\u00a0"
_PLAUSIBLE = frozenset(map(chr, range(0x80))) | frozenset(_LETTERS + _SIGNS)
_MIXED_WORD = re.compile(f"[A-Za-z][{_LETTERS}]|[{_LETTERS}][A-Za-z]")


class EncodingUnknown(Exception):
    """It is not known for sure. `position`: the first byte that is not UTF-8."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


@dataclass(frozen=True, slots=True)
class Encoding:
    """`mark`: the bytes at the beginning that only name it. `guessed`: any bytes could be read in it."""

    name: str
    mark: bytes = b""
    guessed: bool = False


def named(name: str) -> str:
    """Python's name of an encoding of texts. Raise ValueError for a word that is none."""
    message = f"{name!r} is no encoding of texts: write utf-8, utf-16, cp1251 or the like"
    try:
        "phone".encode(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        raise ValueError(message) from None


def given(name: str, beginning: bytes) -> Encoding:
    """Return the encoding of that name, with the mark that the text may begin with."""
    for mark, marked in _MARKS.items():
        if beginning.startswith(mark) and (name == marked or name == "utf-16" != marked.removesuffix("-8")):
            return Encoding(marked, mark)
    return Encoding(name)


def detect(beginning: bytes) -> Encoding:
    """By a byte order mark, UTF-16 by its zeros, UTF-8, or Windows Cyrillic where every word makes sense in it.

    Raise EncodingUnknown.
    """
    for mark, name in _MARKS.items():
        if beginning.startswith(mark):
            return Encoding(name, mark)
    # A file of contacts begins with the name of a column, in ASCII.
    if len(beginning) >= 4 and beginning[1:4:2] == b"\0\0" and beginning[0] and beginning[2]:
        return Encoding("utf-16-le")
    if len(beginning) >= 4 and beginning[0:4:2] == b"\0\0" and beginning[1] and beginning[3]:
        return Encoding("utf-16-be")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError as error:
        try:
            cyrillic = beginning.decode(WINDOWS_CYRILLIC)
        except UnicodeDecodeError:
            cyrillic = ""
        if cyrillic and is_plainly_cyrillic(cyrillic):  # guard: western-is-not-cyrillic
            return Encoding(WINDOWS_CYRILLIC, guessed=True)
        raise EncodingUnknown(error.start) from None
    return Encoding("utf-8")


def is_plainly_cyrillic(text: str) -> bool:
    """Return whether a text that was read as Windows Cyrillic reads as such: no word of both alphabets, no other
    letters.

    A Western text read so has words such as «йtй».
    """
    return text.isascii() or (_PLAUSIBLE.issuperset(text) and _MIXED_WORD.search(text) is None)
