"""The feed: the last transitions of all campaigns in one stream, for apps that keep a table of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from bsg_ledger.reading import transition_of
from bsg_ledger.records import Transition
from bsg_ledger.scripts import Scripts, decoded, text_of

EVENTS_AT_ONCE = 1000
_STREAM = "bsg:events"


class FeedBroken(Exception):
    """What follows the position is not there any more, or never was: a reader has missed something."""


@dataclass(frozen=True, slots=True)
class Position:
    """After which event a reader goes on: its entry in the stream, and its number among all events of the ledger."""

    entry: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.entry}.{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Raises ValueError for what `str` of a position never is."""
        entry, _, sequence = text.partition(".")
        for part in (*entry.split("-", 1), sequence):
            if not (part.isascii() and part.isdecimal() and len(part) < 20):
                raise ValueError("not a position")
        return cls(entry, int(sequence))


class Feed:
    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client: Any = client  # redis-py types its replies as all that they might be
        self._scripts = scripts

    def tell(self, campaign_id: str, message: str, status: str, detail: str) -> bool:
        """Adds what BSG says of one message ("" for a campaign that nobody knows). False: there is no such campaign."""
        return text_of(self._scripts.run("tell", campaign_id, message, status, detail)[0]) == "told"

    def latest(self) -> Position:
        """After everything that has happened."""
        entries, sequence = self._at_once(lambda pipe: pipe.xrevrange(_STREAM, count=1))
        return Position(text_of(entries[0][0]) if entries else "0-0", sequence)

    def after(self, position: Position | None) -> Sequence[Transition]:
        """The next events, oldest first; none when there is nothing new. None: from the oldest that is kept.

        Raises FeedBroken.
        """
        first = "-" if position is None else f"({position.entry}"
        entries, sequence = self._at_once(lambda pipe: pipe.xrange(_STREAM, first, "+", count=EVENTS_AT_ONCE))
        events = [_event(entry, fields) for entry, fields in entries]
        if position is not None:
            expected = position.sequence + 1
            if (events[0][0] if events else sequence + 1) != expected:
                raise FeedBroken
        return [transition for _, transition in events]

    def wait(self, position: Position | None, at_most_ms: int) -> None:
        """Returns when something has happened after the position, or after so many milliseconds."""
        self._client.xread({_STREAM: "0" if position is None else position.entry}, count=1, block=at_most_ms)

    def _at_once(self, ask: Any) -> tuple[Any, int]:
        """The answer, and the number of the last event at that very moment."""
        pipe = self._client.pipeline(transaction=True)
        ask(pipe)
        pipe.hget("bsg:ledger", "sequence")
        answer, sequence = pipe.execute()
        return answer, int(sequence or 0)


def _event(entry: bytes, raw: Any) -> tuple[int, Transition]:
    fields = decoded(raw)
    sequence = int(fields["sequence"])
    return sequence, transition_of(fields["campaign"], str(Position(text_of(entry), sequence)), fields)
