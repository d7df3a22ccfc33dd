"""The nodes of a parsed template. Each makes its text from a message's fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bsg_messages.template_values import MAX_VALUE_CHARACTERS, Missing, TextFilter, field_value, truth, written

Test = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Default:
    """The text for a missing field."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    text: str

    @property
    def fields(self) -> frozenset[str]:
        return frozenset()


@dataclass(frozen=True, slots=True)
class Expression:
    """A field and its filters, in order."""

    name: str
    filters: tuple[TextFilter | Default, ...]

    @property
    def fields(self) -> frozenset[str]:
        return frozenset((self.name,))

    def value(self, fields: Mapping[str, Any]) -> Any:
        value = field_value(self.name, fields.get(self.name))
        for done in self.filters:
            if isinstance(value, Missing):
                value = done.text if isinstance(done, Default) else value
            elif not isinstance(done, Default):
                value = done(written(value))
        return value

    def column(self, values: Sequence[Any]) -> tuple[list[str], list[int]] | None:
        """Return the values of all messages, and the rows in which the field is missing.

        Return None if the values have to be processed one by one.
        """
        texts = list(values) if set(map(type, values)) <= {str} else _written_column(values)
        if max(map(len, texts), default=0) > MAX_VALUE_CHARACTERS:
            return None
        blank = not all(map(str.strip, texts))
        missing = [row for row, text in enumerate(texts) if not text.strip()] if blank else []
        for done in self.filters:
            if isinstance(done, Default):
                for row in missing:
                    texts[row] = done.text
                missing = []
            else:
                texts = list(map(done, texts))
        return texts, missing


@dataclass(frozen=True, slots=True)
class Choice:
    """The first branch whose test is true. The last branch's test is always true."""

    branches: tuple[tuple[Test, tuple[Node, ...]], ...]
    fields: frozenset[str]

    def chosen(self, fields: Mapping[str, Any]) -> tuple[Node, ...]:
        return next((body for test, body in self.branches if truth(test(fields))), ())


Node = Literal | Expression | Choice


def _written_column(values: Sequence[Any]) -> list[str]:
    return ["" if value is None else str(value) for value in values]
