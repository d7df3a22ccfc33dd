"""The suppression list: phones that are never sent to, with the sources of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import redis

from bsg_ledger import schema
from bsg_ledger.replies import typed
from bsg_ledger.scripts import Scripts, text_of

PHONES_AT_ONCE = 1_000
HERE = "here"
_LIST, _SOURCES = schema.SUPPRESSED(), schema.SUPPRESSION_SOURCES()


def source_at_bsg(account_name: str) -> str:
    """Return the source's name for BSG's stop list of an account."""
    return f"bsg:{account_name}"


@dataclass(frozen=True, slots=True)
class Suppression:
    """A suppressed phone. `sources`: `here`, `bsg:ACCOUNT` for BSG's stop list of an account, or several.

    >>> Suppression("380661231231", ("here", "bsg:default"))
    Suppression(sources=('here', 'bsg:default'))
    """

    phone: str = field(repr=False)
    sources: tuple[str, ...]


class Suppressions:
    """The suppression list. Phones are digits, in BSG's format."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = typed(client)
        self._scripts = scripts

    def add(self, phones: Sequence[str], source: str = HERE) -> int:
        """Add phones. Return how many were not on the list before, from any source."""
        return sum(self._change("suppress", phones, source))

    def note(self, phones: Sequence[str], source: str) -> None:
        """Add the source to those of the phones that are suppressed."""
        self._change("note_suppressed", phones, source)

    def remove(self, phones: Sequence[str]) -> int:
        """Remove phones, whatever their sources. Return how many were on the list."""
        return sum(self._change("unsuppress", phones))

    def all(self) -> Iterator[str]:
        """Yield every phone of the list, in no order."""
        for phone in self._client.sscan_iter(_LIST, count=PHONES_AT_ONCE):
            yield text_of(phone)

    def among(self, phones: Sequence[str]) -> frozenset[str]:
        """Return those of the phones that are on the list."""
        found: set[str] = set()
        for first in range(0, len(phones), PHONES_AT_ONCE):
            some = phones[first : first + PHONES_AT_ONCE]
            found.update(self._of(_LIST, some))
        return frozenset(found)

    def with_sources(self) -> Iterator[Suppression]:
        """Yield every phone of the list with its sources, in no order. A phone may come more than once."""
        cursor = -1
        while cursor != 0:
            cursor, page = self._client.sscan(_LIST, max(cursor, 0), count=PHONES_AT_ONCE)
            yield from self.sources_of([text_of(phone) for phone in page])

    def sources_of(self, phones: Sequence[str]) -> list[Suppression]:
        """Return those phones with their sources."""
        names = sorted(map(text_of, self._client.smembers(_SOURCES)), key=lambda name: (name != HERE, name))
        by_source = {name: self._of(schema.suppressed_from(name), phones) for name in names}
        found = ((phone, tuple(name for name in by_source if phone in by_source[name])) for phone in phones)
        return [Suppression(phone, sources) for phone, sources in found]

    def _of(self, key: str, phones: Sequence[str]) -> frozenset[str]:
        if not phones:
            return frozenset()
        listed = self._client.smismember(key, phones)
        return frozenset(phone for phone, is_listed in zip(phones, listed, strict=True) if is_listed)

    def _change(self, script: str, phones: Sequence[str], *source: str) -> list[int]:
        """Run a script over the phones, so many at once; return how many phones each run changed."""
        return [
            int(self._scripts.run(script, *source, *phones[first : first + PHONES_AT_ONCE])[0])
            for first in range(0, len(phones), PHONES_AT_ONCE)
        ]
