"""Python and Lua source as tokens, as far as an operator has to know either of them."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_PIECES = {
    lua: re.compile(
        rf"""
        (?P<space> \s+ )
      | (?P<comment> {"--" if lua else "[#]"} [^\n]* )
      | (?P<string> (?i:[rbfu]{{0,2}}) (?: \"\"\".*?\"\"\" | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' ) )
      | (?P<word> \w+ )
      | (?P<sign> == | ~= | != | <= | >= | := | -> | [-+*/]= | \.\. | \*\* | // | . )
        """,
        re.X | re.S,
    )
    for lua in (False, True)
}
_OPEN, _CLOSE = "([{", ")]}"
_BLOCKS = {"if": 1, "function": 1, "do": 1, "repeat": 1, "end": -1, "until": -1}
_GOES_ON = frozenset(
    ["and", "or", "not", "return", "..", "+", "-", "*", "/", "==", "~=", "<", ">", "<=", ">=", "=", ","]
)


@dataclass(frozen=True)
class Token:
    """A piece of the source that is neither space nor comment, with how many brackets are open around it."""

    text: str
    start: int
    end: int
    depth: int


@dataclass(frozen=True)
class Comment:
    text: str
    start: int


@dataclass(frozen=True)
class Source:
    """The text of one file."""

    text: str
    lua: bool

    @classmethod
    def read(cls, file: Path) -> Source:
        return cls(file.read_text("utf-8"), lua=file.suffix == ".lua")

    @cached_property
    def tokens(self) -> list[Token]:
        found: list[Token] = []
        depth = 0
        for kind, match in self._pieces:
            if kind not in {"space", "comment"}:
                depth -= match[0] in _CLOSE
                found.append(Token(match[0], match.start(), match.end(), depth))
                depth += match[0] in _OPEN
        return found

    @cached_property
    def comments(self) -> list[Comment]:
        return [Comment(match[0], match.start()) for kind, match in self._pieces if kind == "comment"]

    @cached_property
    def _pieces(self) -> list[tuple[str | None, re.Match[str]]]:
        return [(match.lastgroup, match) for match in _PIECES[self.lua].finditer(self.text)]

    def line_marked_at(self, position: int) -> int:
        """Return the line of a comment at this position, or of what follows if the comment stands alone on its line."""
        line = self.line_of(position)
        if self.text[self._line_starts[line - 1] : position].strip():
            return line
        return next((self.line_of(token.start) for token in self.tokens if token.start > position), line)

    def line_of(self, position: int) -> int:
        return bisect_right(self._line_starts, position)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    @cached_property
    def statements(self) -> list[list[Token]]:
        """The tokens by logical line."""
        lines: list[list[Token]] = []
        last: Token | None = None
        for token in self.tokens:
            if last is None or (self._ends(last, token) and "\n" in self.text[last.end : token.start]):
                lines.append([])
            lines[-1].append(token)
            last = token
        return lines

    def _ends(self, last: Token, token: Token) -> bool:
        if token.depth > 0 or last.text in _OPEN or token.text in _CLOSE:
            return False
        return not (self.lua and (last.text in _GOES_ON or token.text in _GOES_ON - {"return", "not"}))

    def statement(self, line: int) -> list[Token]:
        """Return the logical line that has tokens on this line of the file."""
        for tokens in self.statements:
            if self.line_of(tokens[0].start) <= line <= self.line_of(tokens[-1].end):
                return tokens
        raise ValueError(f"line {line} has no statement")

    def block(self, line: int) -> tuple[int, int]:
        """Where the statement that is on this line begins and ends, with all that is inside it."""
        tokens = self.statement(line)
        if self.lua:
            rest = [token for token in self.tokens if token.start >= tokens[0].start]
            opened, position = 0, 0
            ends = {tokens[-1].end for tokens in self.statements}
            for token in rest:
                opened += _BLOCKS.get(token.text, 0)
                position = token.end
                if opened == 0 and token.end in ends:
                    break
            return tokens[0].start, position
        indent = self._indent(tokens[0])
        position = tokens[-1].end
        for following in self.statements[self.statements.index(tokens) + 1 :]:
            if self._indent(following[0]) <= indent:
                break
            position = following[-1].end
        return tokens[0].start, position

    def _indent(self, token: Token) -> int:
        return token.start - self.text.rfind("\n", 0, token.start) - 1
