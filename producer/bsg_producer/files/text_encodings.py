"""Detect a text's encoding by its beginning."""

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
    """The encoding is ambiguous. `position`: the first byte that is not UTF-8."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


@dataclass(frozen=True, slots=True)
class Encoding:
    """`mark`: the byte order mark. `guessed`: any bytes could be read in this encoding."""

    name: str
    mark: bytes = b""
    guessed: bool = False


def named(name: str) -> str:
    """Return Python's name of a text encoding. Raise ValueError for an unknown name."""
    message = f"{name!r} is not a text encoding: write utf-8, utf-16, cp1251 or the like"
    try:
        "phone".encode(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        raise ValueError(message) from None


def given(name: str, beginning: bytes) -> Encoding:
    """Return the encoding of that name, with the mark if the text begins with it."""
    for mark, marked in _MARKS.items():
        if beginning.startswith(mark) and (name == marked or name == "utf-16" != marked.removesuffix("-8")):
            return Encoding(marked, mark)
    return Encoding(name)


def detect(beginning: bytes) -> Encoding:
    """Return the encoding: the byte order mark's, UTF-16 if every second byte is zero, UTF-8, or Windows Cyrillic.

    Windows Cyrillic is chosen only if every word makes sense in it. Raise EncodingUnknown.
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
    """Return whether a text that was read as Windows Cyrillic has no word of both alphabets, and no other letters.

    A Western text that was read so has words such as «йtй».
    """
    return text.isascii() or (_PLAUSIBLE.issuperset(text) and _MIXED_WORD.search(text) is None)
