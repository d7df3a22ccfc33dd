"""Spans of a trace, and those that nobody records."""

from __future__ import annotations

from types import TracebackType
from typing import Literal, Self

Kind = Literal["INTERNAL", "PRODUCER", "CONSUMER", "CLIENT"]
Attribute = str | int | float | bool


class Span:
    """A span that nobody records. It is the current span from when it is entered until it is left."""

    @property
    def traceparent(self) -> str | None:
        """Return its context as W3C writes it, with which another process continues the trace; None without one."""
        return None

    def note(self, **attributes: Attribute) -> None:
        """Add attributes: ids, counts and outcomes. Their names get the prefix `bsg.`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the span. An exception is recorded by its type alone, because its message may quote a phone or a text."""
