"""Count the requests of all of an account's workers in Redis, for metrics.

Nothing depends on it: if Redis fails, the counts are lost.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import redis
from redis.exceptions import RedisError

from bsg_ledger import schema
from bsg_ledger.replies import typed

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""The upper bounds of the histograms' buckets. A last bucket has no upper bound."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """`counts` has the count of each bucket, not cumulative. `total` is in seconds."""

    counts: Sequence[int]
    total: float


@dataclass(frozen=True, slots=True)
class Measured:
    submissions: Mapping[str, int]
    post_seconds: Histogram
    slot_wait_seconds: Histogram


class Measurements:
    def __init__(self, client: redis.Redis, account: str) -> None:
        self._client = typed(client)
        self._key = schema.MEASURED(account)
        self._lock = threading.Lock()
        self._counted: defaultdict[str, int] = defaultdict(int)
        self._spent: defaultdict[str, float] = defaultdict(float)

    def count(self, outcome: str, *, post_seconds: float, slot_wait_seconds: float) -> None:
        """Count one request and its outcome. `flush` stores the count."""
        with self._lock:
            self._counted[f"submissions:{outcome}"] += 1
            for name, seconds in (("post", post_seconds), ("slot", slot_wait_seconds)):
                self._counted[f"{name}:{bisect_left(SECONDS, seconds)}"] += 1
                self._spent[f"{name}:total"] += seconds

    def flush(self) -> None:
        """Store the counts of many requests at once, so that no request waits for it."""
        with self._lock:
            counted, spent = self._counted, self._spent
            self._counted, self._spent = defaultdict(int), defaultdict(float)
        if not counted:
            return
        pipe = self._client.pipeline(transaction=False)
        for field, number in counted.items():
            pipe.hincrby(self._key, field, number)
        for field, seconds in spent.items():
            pipe.hincrbyfloat(self._key, field, seconds)
        with suppress(RedisError):
            pipe.execute()

    def read(self, outcomes: Iterable[str]) -> Measured:
        """Return the counts of these outcomes since the ledger began. Raise RedisError."""
        counted = {name.decode(): value for name, value in self._client.hgetall(self._key).items()}
        return Measured(
            # Include zeros: Prometheus sees no increase of a series that did not exist before.
            submissions={str(outcome): int(counted.get(f"submissions:{outcome}", 0)) for outcome in outcomes},
            post_seconds=_histogram(counted, "post"),
            slot_wait_seconds=_histogram(counted, "slot"),
        )


def _histogram(counted: Mapping[str, Any], name: str) -> Histogram:
    buckets = range(len(SECONDS) + 1)
    return Histogram(
        [int(counted.get(f"{name}:{bucket}", 0)) for bucket in buckets], float(counted.get(f"{name}:total", 0))
    )
