"""Spans that OpenTelemetry records. Only `tracing` imports this, in processes that use OpenTelemetry."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from types import TracebackType
from typing import Self

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bsg_config.spans import Attribute, Kind, Span

SCOPE = "bsg_campaigns"

_PROPAGATOR = TraceContextTextMapPropagator()


class RecordedSpan(Span):
    """See `tracing.span`. A sampler or a processor of the user's may raise anything: then the span is not recorded."""

    def __init__(
        self,
        name: str,
        kind: Kind,
        parent: str | None,
        links: Iterable[str],
        seconds_ago: float,
        attributes: Mapping[str, Attribute],
    ) -> None:
        self._span: trace.Span = trace.INVALID_SPAN
        with suppress(Exception):
            self._span = _begin(name, kind, parent, links, seconds_ago)
        self.note(**attributes)

    @property
    def traceparent(self) -> str | None:
        return _written(self._span.get_span_context())

    def note(self, **attributes: Attribute) -> None:
        with suppress(Exception):
            self._span.set_attributes({f"bsg.{name}": value for name, value in attributes.items()})

    def __enter__(self) -> Self:
        self._token = attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_back: TracebackType | None
    ) -> None:
        detach(self._token)
        with suppress(Exception):
            if kind is not None:
                self._span.set_attribute("error.type", kind.__qualname__)
                self._span.set_status(trace.StatusCode.ERROR)
            self._span.end()


def sampled_traceparent() -> str | None:
    """See `tracing.sampled_traceparent`."""
    context = trace.get_current_span().get_span_context()
    return _written(context) if context.trace_flags.sampled else None


def _begin(name: str, kind: Kind, parent: str | None, links: Iterable[str], seconds_ago: float) -> trace.Span:
    contexts = [_span_in(_context_of(traceparent)) for traceparent in links]
    if parent is not None:
        contexts.append(_span_in(None))
    return _tracer().start_span(
        name,
        context=None if parent is None else _context_of(parent),
        kind=trace.SpanKind[kind],
        links=[trace.Link(context) for context in contexts if context.is_valid],
        start_time=time.time_ns() - int(seconds_ago * 1_000_000_000),
    )


@cache
def _tracer() -> trace.Tracer:
    return trace.get_tracer(SCOPE, version("bsg-campaigns"))


def _context_of(traceparent: str) -> Context:
    return _PROPAGATOR.extract({"traceparent": traceparent}, Context())


def _span_in(context: Context | None) -> trace.SpanContext:
    return trace.get_current_span(context).get_span_context()


def _written(context: trace.SpanContext) -> str | None:
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
