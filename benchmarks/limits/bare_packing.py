"""The bare loop that `enqueue` of a million is held against: zlib-1 of `dumps(chunk)`, and nothing done with it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import Any

from benchmarks.messages import MESSAGES_A_BATCH, chunks


def publish(messages: Iterable[dict[str, Any]]) -> None:
    for chunk in chunks(messages, MESSAGES_A_BATCH):
        zlib.compress(json.dumps(chunk).encode(), 1)
