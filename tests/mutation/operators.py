"""What can be done to a marked line so that it guards nothing. None of it knows a name of the code."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.mutation.source import Source, Token

_ENDS_A_CONDITION = frozenset({"then", "do", ":", "else", "for", "if"})
_SEPARATES = frozenset(
    {",", "=", ":", ";", ":=", "+=", "-=", "->", "if", "elif", "else", "elseif", "then", "while", "return", "for", "do"}
    | {"local", "lambda", "yield", "assert", "raise", "until", "end", "with", "case", "except", "from", "function"}
)
T = TypeVar("T")
_LOGIC = (frozenset({"or"}), frozenset({"and"}))
_COMPARES = frozenset({"<"})
_ARITHMETIC = (
    frozenset({"and", "or", "<", ">", "<=", ">=", "==", "~=", "!=", "in", "is"}),
    frozenset({"+", "-"}),
)
_ASSIGNS = frozenset({"=", ":=", "+=", "-="})


class DoesNotApply(Exception):
    """The marked line has nothing that the operator could change."""


@dataclass(frozen=True)
class Span:
    """A part of an expression: where it is, and what has to go with it when it goes."""

    start: int
    end: int
    first: int
    last: int


def apply(operator: str, source: Source, line: int) -> str:
    """Return the text of the file with the operator done to the line. Raise `DoesNotApply`."""
    name, *words = operator.split()
    if name not in _OPERATORS:
        raise DoesNotApply(f"there is no operator {name!r}")
    return _OPERATORS[name](source, line, *words)


def _drop(source: Source, line: int) -> str:
    start, end = source.block(line)
    return _put(source, start, end, "" if source.lua else "pass")


def _never(source: Source, line: int, number: str = "1") -> str:
    start, end = _nth(_conditions(source, line), number)
    return _put(source, start, end, " false " if source.lua else " False")


def _always(source: Source, line: int, number: str = "1") -> str:
    start, end = _nth(_conditions(source, line), number)
    return _put(source, start, end, " true " if source.lua else " True")


def _without(source: Source, line: int, number: str = "1") -> str:
    operand = _nth(_operands(source, line), number)
    return _put(source, operand.first, operand.last, "")


def _omit(source: Source, line: int, number: str = "1") -> str:
    item = _nth(_items(source, line), number)
    return _put(source, item.first, item.last, "")


def _item(source: Source, line: int, number: str, value: str) -> str:
    item = _nth(_items(source, line), number)
    inside = [token for token in source.tokens if item.start <= token.start < item.end]
    names = [token for token in inside[:2] if token.text in {"=", ":"}]
    return _put(source, names[0].end if names else item.start, item.end, " " + value if names else value)


def _unwrap(source: Source, line: int, number: str = "1") -> str:
    item = _nth(_items(source, line), number)
    tokens = source.statement(line)
    opened = max(
        index
        for index, token in enumerate(tokens)
        if token.text in "([{" and token.end <= item.start and token.depth < _depth(tokens, item)
    )
    closed = next(
        i for i in range(opened + 1, len(tokens)) if tokens[i].depth == tokens[opened].depth and tokens[i].text in ")]}"
    )
    while (
        opened > 0
        and (tokens[opened].text in "([{." or tokens[opened - 1].text == ".")
        and (
            tokens[opened - 1].text == "."
            or (
                tokens[opened - 1].text.isidentifier()
                and tokens[opened - 1].text not in _SEPARATES | {"and", "or", "not", "in"}
            )
        )
    ):
        opened -= 1
    return _put(source, tokens[opened].start, tokens[closed].end, source.text[item.start : item.end])


def _depth(tokens: Sequence[Token], item: Span) -> int:
    return next(token.depth for token in tokens if token.start == item.start)


def _value(source: Source, line: int, value: str) -> str:
    tokens = source.statement(line)
    lowest = min(token.depth for token in tokens)
    begins = [
        index
        for index, token in enumerate(tokens)
        if (token.depth == lowest and token.text in _ASSIGNS) or token.text == "return"
    ]
    if not begins:
        raise DoesNotApply("nothing is assigned or returned")
    begin = begins[0] + 1
    end = next(
        (i for i in range(begin, len(tokens)) if tokens[i].text in {"end", "else", "elseif", ";"} and source.lua),
        len(tokens),
    )
    return _put(source, tokens[begin].start, tokens[end - 1].end, value)


def _replace(source: Source, line: int, *words: str) -> str:
    old, new = " ".join(words).split(" -> ")
    start, end = source.statement(line)[0].start, source.statement(line)[-1].end
    if source.text.count(old, start, end) != 1:
        raise DoesNotApply(f"{old!r} is there {source.text.count(old, start, end)} times")
    at = source.text.index(old, start, end)
    return _put(source, at, at + len(old), new)


def _drop_else(source: Source, line: int) -> str:
    tokens = source.statement(line)
    found = [
        index for index, token in enumerate(tokens) if token.text == "else" and source.line_of(token.start) == line
    ]
    begin = _nth(found, "1")
    end = next(index for index in range(begin, len(tokens)) if tokens[index].text == "end")
    return _put(source, tokens[begin].start, tokens[end].start, "")


def _empty(source: Source, line: int) -> str:
    tokens = source.statement(line)
    begin = next(index for index, token in enumerate(tokens) if token.text in {"then", "do"})
    return _put(source, tokens[begin].end, tokens[-1].start, " ")


def _term(source: Source, line: int, number: str) -> str:
    term = _nth(_operands(source, line, _ARITHMETIC), number)
    return _put(source, term.first, term.last, "")


def _field(source: Source, line: int, number: str) -> str:
    start = source.statement(line)[0].start
    found = [match.span() for match in re.finditer(r"\{[^{}]*\}", source.text[start : source.statement(line)[-1].end])]
    first, last = _nth(found, number)
    return _put(source, start + first, start + last, "")


_OPERATORS: dict[str, Callable[..., str]] = {
    "drop": _drop,
    "never": _never,
    "always": _always,
    "without": _without,
    "omit": _omit,
    "item": _item,
    "unwrap": _unwrap,
    "value": _value,
    "drop_else": _drop_else,
    "empty": _empty,
    "term": _term,
    "field": _field,
    "replace": _replace,
}


def _conditions(source: Source, line: int) -> list[tuple[int, int]]:
    tokens = source.statement(line)
    found = []
    for index, token in enumerate(tokens):
        if token.text not in {"if", "elif", "elseif", "while"} or source.line_of(token.start) != line:
            continue
        for end in range(index + 1, len(tokens)):
            if (
                tokens[end].depth < token.depth
                or (tokens[end].depth == token.depth and tokens[end].text in _ENDS_A_CONDITION)
                or (tokens[end].depth == token.depth and tokens[end].text == "," and token.depth)
            ):
                break
        else:
            end = len(tokens)
        found.append((token.end, tokens[end].start if end < len(tokens) else tokens[-1].end))
        if end < len(tokens) and tokens[end].text not in ":)]},":
            found[-1] = (token.end, tokens[end - 1].end) if not source.lua else found[-1]
    return found


def _operands(source: Source, line: int, levels: Sequence[frozenset[str]] = _LOGIC) -> list[Span]:
    """Return the operands of every `and` and `or`, or the terms of every sum, as they begin on the line."""
    found: list[Span] = []
    for segment in _segments(source.statement(line)):
        _split(segment, levels, found)
    return sorted((span for span in found if source.line_of(span.start) == line), key=lambda s: (s.start, -s.end))


def _split(segment: Sequence[Token], levels: Sequence[frozenset[str]], found: list[Span]) -> None:
    if not segment or not levels:
        return
    depth = segment[0].depth
    cuts = [index for index, token in enumerate(segment) if token.text in levels[0] and token.depth == depth]
    bounds = [0, *(cut + 1 for cut in cuts)]
    for number, begin in enumerate(bounds):
        end = cuts[number] if number < len(cuts) else len(segment)
        if begin == end:
            continue  # a sign before a number
        start, stop = segment[begin].start, segment[end - 1].end
        if cuts and not levels[0] & _COMPARES:
            first, last = (start, segment[end + 1].start) if number == 0 else (segment[begin - 2].end, stop)
            found.append(Span(start, stop, first, last))
        _split(segment[begin:end], levels[1:], found)


def _segments(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return the expressions of a statement, those in brackets by themselves too."""
    found: list[list[Token]] = []
    open_ones: list[list[Token]] = [[]]
    loops: list[bool] = [False]
    for token in tokens:
        if token.text in ")]}":
            found.append(open_ones.pop())
            loops.pop()
            if not open_ones:
                open_ones, loops = [[]], [False]
        if token.text in _SEPARATES or (token.text == "in" and loops[-1]):
            found.append(open_ones[-1])
            open_ones[-1] = []
            loops[-1] = token.text == "for"
            continue
        for one in open_ones:
            one.append(token)
        if token.text in "([{":
            open_ones.append([])
            loops.append(False)
    return [one for one in (*found, *open_ones) if one]


def _items(source: Source, line: int) -> list[Span]:
    """Return what is between the commas of any brackets, as it begins on the line."""
    tokens = source.statement(line)
    found: list[Span] = []
    for index, token in enumerate(tokens):
        if token.text not in "([{":
            continue
        inside = []
        for later in tokens[index + 1 :]:
            if later.depth == token.depth and later.text in ")]}":
                break
            inside.append(later)
        commas = [i for i, t in enumerate(inside) if t.text == "," and t.depth == token.depth + 1]
        bounds = [0, *(cut + 1 for cut in commas)]
        for number, begin in enumerate(bounds):
            end = commas[number] if number < len(commas) else len(inside)
            if begin == end:
                continue
            start, stop = inside[begin].start, inside[end - 1].end
            last = inside[end].end if end < len(inside) else stop
            first = start if end < len(inside) or number == 0 else inside[begin - 1].start
            found.append(Span(start, stop, first, last))
    return sorted((span for span in found if source.line_of(span.start) == line), key=lambda s: (s.start, -s.end))


def _nth(found: Sequence[T], number: str) -> T:
    if not 1 <= int(number) <= len(found):
        raise DoesNotApply(f"there are {len(found)}, not {number}")
    return found[int(number) - 1]


def _put(source: Source, start: int, end: int, text: str) -> str:
    return source.text[:start] + text + source.text[end:]
