"""The list of phones that are never sent to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import redis

from bsg_ledger.scripts import Scripts, text_of

PHONES_AT_ONCE = 1_000
_LIST = "bsg:suppressed"


class Suppressions:
    """Phones are digits, as BSG takes them."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client: Any = client  # redis-py types its replies as all that they might be
        self._scripts = scripts

    def add(self, phones: Sequence[str]) -> int:
        """Answers how many were not there before."""
        return self._change("add", phones)

    def remove(self, phones: Sequence[str]) -> int:
        """Answers how many were there."""
        return self._change("remove", phones)

    def all(self) -> Iterator[str]:
        """Every phone of the list, in no order."""
        for phone in self._client.sscan_iter(_LIST, count=PHONES_AT_ONCE):
            yield text_of(phone)

    def among(self, phones: Sequence[str]) -> frozenset[str]:
        """Those of the phones that are on the list."""
        found: set[str] = set()
        for first in range(0, len(phones), PHONES_AT_ONCE):
            some = phones[first : first + PHONES_AT_ONCE]
            listed = self._client.smismember(_LIST, some)
            found.update(phone for phone, is_listed in zip(some, listed, strict=True) if is_listed)
        return frozenset(found)

    def _change(self, how: str, phones: Sequence[str]) -> int:
        return sum(
            int(self._scripts.run("suppress", how, *phones[first : first + PHONES_AT_ONCE])[0])
            for first in range(0, len(phones), PHONES_AT_ONCE)
        )
