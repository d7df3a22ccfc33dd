"""The one producer of this process: it is made when it is first asked for, as settings come from the environment."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from bsg_producer import Producer, Stream


@cache
def producer() -> Producer:
    return Producer()


@cache
def orders() -> Stream:
    """Single messages go through a stream, so that a request to BSG carries all that wait."""
    return producer().stream(
        "order-updates",
        sender="MyShop",
        text="Hi {{ name }}, order {{ order }} is on its way",
        deadline=timedelta(hours=2),
    )
