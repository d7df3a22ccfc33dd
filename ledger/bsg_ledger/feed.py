"""A feed: the last entries of one kind, of all campaigns, for apps that keep a table of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import redis

from bsg_ledger import schema
from bsg_ledger.message_ranges import with_message_ranges
from bsg_ledger.reading import EVENTS_AT_ONCE
from bsg_ledger.record_parsing import transition_of
from bsg_ledger.records import Transition
from bsg_ledger.replies import typed
from bsg_ledger.scripts import decoded, text_of


class Entry(Protocol):
    @property
    def position(self) -> str: ...


T = TypeVar("T", bound=Entry)


class FeedBroken(Exception):
    """The entries after the position are missing: the reader has missed something."""


@dataclass(frozen=True, slots=True)
class Position:
    """The entry after which a reader continues: its id in the stream, and its number in the feed."""

    entry: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.entry}.{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Parse the `str` of a position. Raise ValueError for anything else."""
        entry, _, sequence = text.partition(".")
        for part in (*entry.split("-", 1), sequence):
            if not (part.isascii() and part.isdecimal() and len(part) < 20):
                raise ValueError("not a position")
        return cls(entry, int(sequence))


class Feed(Generic[T]):
    """A feed. The numbers of its entries reveal a reader that comes too late, and a ledger that went back.

    `counter`: the field of `bsg:ledger` that counts entries. `read` makes an entry from its position and its fields.
    """

    def __init__(
        self, client: redis.Redis, stream: str, counter: str, read: Callable[[str, Mapping[str, str]], T]
    ) -> None:
        self._client = typed(client)
        self._stream = stream
        self._counter = counter
        self._read = read

    def latest(self) -> Position:
        """Return the position after the newest entry."""
        entries, sequence = self._at_once(lambda pipe: pipe.xrevrange(self._stream, count=1))
        return Position(text_of(entries[0][0]) if entries else "0-0", sequence)

    def after(self, position: Position | None) -> Sequence[T]:
        """Return the next entries, oldest first; none if there are no new ones. None: begin with the oldest entry.

        Raise FeedBroken.
        """
        first = "-" if position is None else f"({position.entry}"
        found, sequence = self._at_once(lambda pipe: pipe.xrange(self._stream, first, "+", count=EVENTS_AT_ONCE))
        entries = [(Position(text_of(entry), int(raw[b"sequence"])), raw) for entry, raw in found]
        if position is not None:
            expected = position.sequence + 1
            if (entries[0][0].sequence if entries else sequence + 1) != expected:
                raise FeedBroken
        return [self._read(str(position), decoded(raw)) for position, raw in entries]

    def wait(self, position: Position | None, at_most_ms: int) -> None:
        """Wait for an entry after the position, `at_most_ms` milliseconds at most."""
        self._client.xread({self._stream: "0" if position is None else position.entry}, count=1, block=at_most_ms)

    def _at_once(self, ask: Any) -> tuple[Any, int]:
        """Return the reply, and the number of the last entry at the same moment."""
        pipe = self._client.pipeline(transaction=True)
        ask(pipe)
        pipe.hget(schema.LEDGER(), self._counter)
        reply, sequence = pipe.execute()
        return reply, int(sequence or 0)


class TransitionFeed(Feed[Transition]):
    def __init__(self, client: redis.Redis) -> None:
        super().__init__(
            client,
            schema.EVENTS(),
            "sequence",
            lambda position, fields: transition_of(fields["campaign"], position, fields),
        )

    def after(self, position: Position | None) -> Sequence[Transition]:
        return with_message_ranges(self._client, super().after(position))
