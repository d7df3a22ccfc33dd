"""Spans of this process, recorded by OpenTelemetry's own SDK and kept in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler
from opentelemetry.util._once import Once

from bsg_config import recorded_spans


class Recorded:
    """The spans that have ended."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span


@contextmanager
def recording(sampler: Sampler = DEFAULT_ON) -> Iterator[Recorded]:
    """Yield what is recorded from now on. Afterwards this process is as before, without an SDK."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    recorded_spans._tracer.cache_clear()
    try:
        yield Recorded(exporter)
    finally:
        # The API lets a process set its provider only once.
        trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = None, Once()
        recorded_spans._tracer.cache_clear()


@contextmanager
def not_imported() -> Iterator[None]:
    """For so long, our code takes this process for one that has not imported OpenTelemetry."""
    hidden = {name: sys.modules.pop(name) for name in ("opentelemetry.trace", "opentelemetry.metrics")}
    try:
        yield
    finally:
        sys.modules.update(hidden)
