"""The bare loop that `enqueue` of a million is held against: zlib-1 of `dumps(chunk)`, and nothing done with it."""

from __future__ import annotations

import json
import zlib
from itertools import islice

from benchmarks.messages import MESSAGES_A_BATCH, messages


def publish(count: int) -> None:
    """Packs so many messages of the generator."""
    given = messages(count)
    while chunk := list(islice(given, MESSAGES_A_BATCH)):
        zlib.compress(json.dumps(chunk).encode(), 1)
