"""Traces by OpenTelemetry, in processes that use it. In others, nothing here does or imports anything.

A span has ids, counts and outcomes as attributes, and no phone, text or key. If OpenTelemetry fails, the caller
continues without it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from bsg_config.spans import Attribute, Kind, Span

MAX_LINKS = 128  # of a span: OpenTelemetry's SDK keeps no more by default

_NOT_RECORDED = Span()


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
    """Return a span to enter. It began `seconds_ago`. `parent` and `links` are traceparents.

    Without a parent, it is a child of the current span. With one, it has a link to the current span.
    """
    if not is_tracing():
        return _NOT_RECORDED
    from bsg_config.recorded_spans import RecordedSpan

    return RecordedSpan(name, kind, parent, links, seconds_ago, attributes)


def sampled_traceparent() -> str | None:
    """Return the traceparent of the current span; None if nobody records its trace."""
    if not is_tracing():
        return None
    from bsg_config import recorded_spans

    return recorded_spans.sampled_traceparent()
