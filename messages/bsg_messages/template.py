"""Personalised texts: a subset of Jinja2's syntax that can neither run code nor grow without bound.

It has text, fields (`{{ name }}`), filters on fields, and `{% if %}` with comparisons. Jinja2 only parses; its own
rendering is not used. A field that is missing, null or blank and has no `default` raises `Violation`: "Hi None" and
"Hi ," are never sent. In an `if`, such a field is false, equals nothing, and is neither less nor more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any

from bsg_messages.errors import CampaignInvalid
from bsg_messages.rejects import RejectCode, Violation
from bsg_messages.rules import MAX_CHARACTERS
from bsg_messages.template_nodes import Choice, Expression, Literal, Node
from bsg_messages.template_values import Missing, written

MAX_TEMPLATE_CHARACTERS = 4_000
_MAX_RENDERED = MAX_CHARACTERS + 1


class Template:
    """A parsed and safe text.

    >>> template = Template.parse("Hi {{ name|default('friend') }}!")
    >>> template.fields, template.render({"name": "Olha"}), template.render({})
    (('name',), 'Hi Olha!', 'Hi friend!')
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self.fields: tuple[str, ...] = tuple(sorted(frozenset[str]().union(*(node.fields for node in nodes))))

    @classmethod
    def parse(cls, text: str) -> Template:
        """Parse a text. Raise CampaignInvalid for the field "text", with the line.

        >>> Template.parse("Hi {{ name }!")
        Traceback (most recent call last):
        bsg_messages.errors.CampaignInvalid: text: ...
        """
        return _parsed(text)

    def render(self, fields: Mapping[str, Any]) -> str:
        """Return the text for one message, cut off one character beyond the maximum of an SMS.

        Raise Violation for a missing field.

        >>> Template.parse("Hi {{ name }}!").render({"name": " "})
        Traceback (most recent call last):
        bsg_messages.rejects.Violation: name: missing_field
        """
        pieces: list[str] = []
        _render(self._nodes, fields, pieces, _MAX_RENDERED)
        return "".join(pieces)[:_MAX_RENDERED]

    def render_columns(self, columns: Mapping[str, Sequence[Any]], size: int) -> list[str | None]:
        """Return the texts of `size` messages, given as columns; None for a message where `render` raises Violation.

        >>> Template.parse("Hi {{ name }}!").render_columns({"name": ["Olha", None]}, size=2)
        ['Hi Olha!', None]
        """
        fast = self._render_whole_columns(columns, size)
        if fast is not None:
            return fast
        names = self.fields
        rows = zip(*(columns[name] for name in names), strict=True) if names else repeat((), size)
        return [self._rendered_or_none(dict(zip(names, row, strict=True))) for row in rows]

    def _rendered_or_none(self, fields: Mapping[str, Any]) -> str | None:
        try:
            return self.render(fields)
        except Violation:
            return None

    def _render_whole_columns(self, columns: Mapping[str, Sequence[Any]], size: int) -> list[str | None] | None:
        """Return the texts several times as fast as row by row; None if the template or a value needs single rows."""
        pieces: list[Any] = []
        longest = total = 0  # characters: of the longest possible text, and of all texts
        lacking: set[int] = set()
        for node in self._nodes:
            if isinstance(node, Literal):
                pieces.append(repeat(node.text, size))
                longest += len(node.text)
                total += len(node.text) * size
                continue
            found = node.column(columns[node.name]) if isinstance(node, Expression) else None
            if found is None:
                return None
            column, missing = found
            lacking.update(missing)
            longest += max(map(len, column), default=0)
            total += sum(map(len, column))
            pieces.append(column)
        if longest > _MAX_RENDERED and total > size * _MAX_RENDERED:
            return None
        texts: list[str | None] = list(map("".join, zip(*pieces, strict=True))) if pieces else [""] * size
        if longest > _MAX_RENDERED:
            texts = [text and text[:_MAX_RENDERED] for text in texts]
        for row in lacking:
            texts[row] = None
        return texts


@lru_cache(maxsize=64)
def _parsed(text: str) -> Template:
    if len(text) > MAX_TEMPLATE_CHARACTERS:
        raise CampaignInvalid(
            {"text": [f"longer than {MAX_TEMPLATE_CHARACTERS} characters, which no SMS can hold: shorten it"]}
        )
    # Importing Jinja2 takes long, and campaigns without a template do not need it.
    from bsg_messages.template_parsing import parse_nodes

    return Template(parse_nodes(text))


def _render(nodes: Sequence[Node], fields: Mapping[str, Any], pieces: list[str], left: int) -> int:
    for node in nodes:
        if left <= 0:
            return 0
        if isinstance(node, Choice):
            left = _render(node.chosen(fields), fields, pieces, left)
            continue
        if isinstance(node, Literal):
            piece = node.text
        else:
            value = node.value(fields)
            if isinstance(value, Missing):
                raise Violation(
                    value.name,
                    RejectCode.MISSING_FIELD,
                    f"the text needs {value.name}: give it, or a default in the template",
                )
            piece = written(value)
        pieces.append(piece)
        left -= len(piece)
    return left
