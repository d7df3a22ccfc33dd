"""A file's lines as text, in any encoding. No more than one line is in memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Protocol

from bsg_producer.errors import FileInvalid
from bsg_producer.files import text_encodings
from bsg_producer.files.text_encodings import Encoding, EncodingUnknown

_CHUNK_BYTES = 1 << 16


class Source(Protocol):
    """A source of bytes."""

    def read(self, size: int, /) -> bytes: ...


class TextLines:
    """Iterate over the lines with their ends. Raise FileInvalid, which names the file and the line.

    `shown`: the file's name for people. `encoding`: None to detect it. `longest`: characters that a line may have.
    """

    def __init__(self, file: Source, shown: str, *, encoding: str | None, longest: int) -> None:
        self._file = file
        self._shown = shown
        self._longest = longest
        self.number = 0  # of the last line
        beginning = self._read()
        self.encoding = self._found(beginning) if encoding is None else text_encodings.given(encoding, beginning)
        self._decoder = codecs.getincrementaldecoder(self.encoding.name)()
        self._lines = self._read_lines(beginning[len(self.encoding.mark) :])

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if self.encoding.guessed and not text_encodings.is_plainly_cyrillic(line):  # guard: line-reads-as-cyrillic
            raise FileInvalid(
                f"{self._shown}, line {self.number}: the lines before read as Windows Cyrillic, but this one does not. "
                "Save the file as UTF-8, or name its encoding.",
                option="encoding",
            )
        return line

    def _read_lines(self, chunk: bytes) -> Iterator[str]:
        rest = ""
        while True:
            *whole, last = self._decoded(chunk).split("\n")
            for line in whole:
                yield f"{rest}{line}\n"
                rest = ""
            rest += last
            if len(rest) > self._longest:
                raise too_long(self._shown, self.number + 1, self._longest)
            if not chunk:
                break
            chunk = self._read()
        if rest:
            yield rest

    def _decoded(self, chunk: bytes) -> str:
        try:
            return self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            good = codecs.getincrementaldecoder(self.encoding.name)().decode(bytes(error.object[: error.start]))
            line = self.number + 1 + good.count("\n")
            raise FileInvalid(
                f"{self._shown}, line {line}: not {self.encoding.name.upper()}. "
                "Save the file as UTF-8 (spreadsheets call it «CSV UTF-8»), or name its encoding.",
                option="encoding",
            ) from None

    def _found(self, beginning: bytes) -> Encoding:
        try:
            return text_encodings.detect(beginning)
        except EncodingUnknown as unknown:
            line = beginning[: unknown.position].count(b"\n") + 1
            raise FileInvalid(
                f"{self._shown}, line {line}: not UTF-8, and its encoding is not known for sure. "
                "Save the file as UTF-8 (spreadsheets call it «CSV UTF-8»), or name its encoding.",
                option="encoding",
            ) from None

    def _read(self) -> bytes:
        """Return a whole chunk if there is one. A single read of a pipe may return less."""
        read = bytearray()
        try:
            while len(read) < _CHUNK_BYTES and (some := self._file.read(_CHUNK_BYTES - len(read))):
                read += some
        except OSError as error:
            raise FileInvalid(f"{self._shown}, line {self.number + 1}: cannot be read: {error.strerror}") from None
        return bytes(read)


def too_long(shown: str, line: int, longest: int) -> FileInvalid:
    return FileInvalid(
        f"{shown}, line {line}: a row of more than {longest} characters. "
        "Look for a stray quotation mark, and whether it is a CSV file at all."
    )
