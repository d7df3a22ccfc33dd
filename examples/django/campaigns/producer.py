"""The one producer of this process: it is made when it is first asked for, as settings come from the environment."""

from __future__ import annotations

from functools import cache

from bsg_producer import Producer


@cache
def producer() -> Producer:
    return Producer()
