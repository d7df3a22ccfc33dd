"""The streams of this app. One is made when it is first asked for, and serves the whole process."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from bsg_campaigns_django import producer
from bsg_producer import Stream


@cache
def orders() -> Stream:
    """Single messages go through a stream, so that a request to BSG carries all that wait."""
    return producer().stream(
        "order-updates",
        sender="MyShop",
        text="Hi {{ name }}, order {{ order }} is on its way",
        deadline=timedelta(hours=2),
    )
