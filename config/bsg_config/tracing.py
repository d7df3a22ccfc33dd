"""Traces by OpenTelemetry, in processes that use it. In others, nothing here does or imports anything.

A span has ids, counts and outcomes as attributes, and no phone, text or key. If OpenTelemetry fails, the caller
continues without it.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span as OpenTelemetrySpan
    from opentelemetry.trace import Tracer

Kind = Literal["INTERNAL", "PRODUCER", "CONSUMER", "CLIENT"]
Attribute = str | int | float | bool

SCOPE = "bsg_campaigns"
MAX_LINKS = 128  # of a span: OpenTelemetry's SDK keeps no more by default

_log = logging.getLogger(__name__)


class Span:
    """A span that nobody records. `traceparent` is its W3C context, with which another process continues the trace."""

    traceparent: str | None = None

    def note(self, **attributes: Attribute) -> None:
        """Add attributes: ids, counts and outcomes. Their names get the prefix `bsg.`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the span. An exception is recorded by its type alone, because its message may quote a phone or a text."""


def is_tracing() -> bool:
    """Return whether this process uses OpenTelemetry.

    Without its API, the process has set up no SDK. Importing the API here would cost each web app 30 ms.
    """
    return "opentelemetry.trace" in sys.modules


def span(
    name: str,
    kind: Kind,
    *,
    parent: str | None = None,
    links: Iterable[str] = (),
    seconds_ago: float = 0.0,
    **attributes: Attribute,
) -> Span:
    """Return a span to enter, which is the current span until it is left. It began `seconds_ago`.

    `parent` and `links` are traceparents. Without a parent, it is a child of the current span. With one, it has a link
    to the current span. Of the links, MAX_LINKS are kept.
    """
    if not is_tracing():
        return _NOT_RECORDED
    return _RecordedSpan(name, kind, parent, links, seconds_ago, attributes)


def sampled_traceparent() -> str | None:
    """Return the traceparent of the current span; None if nobody records its trace."""
    if not is_tracing():
        return None
    from opentelemetry.trace import get_current_span

    with _continuing():
        current = get_current_span()
        if current.get_span_context().trace_flags.sampled:
            return _traceparent_of(current)
    return None


class _RecordedSpan(Span):
    def __init__(
        self,
        name: str,
        kind: Kind,
        parent: str | None,
        links: Iterable[str],
        seconds_ago: float,
        attributes: dict[str, Attribute],
    ) -> None:
        self._span: OpenTelemetrySpan | None = None
        with _continuing():
            self._span = _begin(name, kind, parent, links, seconds_ago)
            self.traceparent = _traceparent_of(self._span)
            self.note(**attributes)

    def note(self, **attributes: Attribute) -> None:
        if self._span is not None:
            with _continuing():
                self._span.set_attributes({f"bsg.{name}": value for name, value in attributes.items()})

    def __enter__(self) -> Self:
        from opentelemetry.context import attach
        from opentelemetry.trace import set_span_in_context

        if self._span is not None:
            self._token = attach(set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from opentelemetry.context import detach
        from opentelemetry.trace import StatusCode

        if self._span is None:
            return
        detach(self._token)
        with _continuing():
            if kind is not None:
                self._span.set_attribute("error.type", kind.__qualname__)
                self._span.set_status(StatusCode.ERROR)
            self._span.end()


_NOT_RECORDED = Span()


def _begin(name: str, kind: Kind, parent: str | None, links: Iterable[str], seconds_ago: float) -> OpenTelemetrySpan:
    from opentelemetry.trace import Link, SpanKind, get_current_span

    contexts = [get_current_span(_context_of(one)).get_span_context() for one in islice(links, MAX_LINKS)]
    if parent is not None:
        contexts.append(get_current_span().get_span_context())
    return _tracer().start_span(
        name,
        context=None if parent is None else _context_of(parent),
        kind=SpanKind[kind],
        links=[Link(context) for context in contexts if context.is_valid],
        start_time=time.time_ns() - int(seconds_ago * 1_000_000_000),
    )


@cache
def _tracer() -> Tracer:
    from opentelemetry.trace import get_tracer

    return get_tracer(SCOPE, version("bsg-campaigns"))


def _context_of(traceparent: str) -> Context:
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent}, Context())


def _traceparent_of(span: OpenTelemetrySpan) -> str | None:
    from opentelemetry.trace import set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, set_span_in_context(span))
    return carrier.get("traceparent")


@contextmanager
def _continuing() -> Iterator[None]:
    """Continue after a failure of OpenTelemetry: a sampler or a processor of the user's may raise anything."""
    try:
        yield
    except Exception as error:
        _log.debug("OpenTelemetry failed: %s", type(error).__name__)
