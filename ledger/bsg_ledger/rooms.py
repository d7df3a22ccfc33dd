"""The waiting rooms: what is due to be looked at, by whom soever looks first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import redis

from bsg_ledger import schema
from bsg_ledger.moments import moment
from bsg_ledger.redis_clock import now_ms
from bsg_ledger.scripts import Scripts, text_of


def unstamped(account_name: str) -> str:
    """Where campaigns for the account of that name wait until the first batch is claimed, as by an account."""
    return f"-{account_name}"


class Room(StrEnum):
    DUE = "due"  # campaigns with pending batches
    LEASES = "leases"  # claimed and posting batches
    DOUBT = "doubt"  # unconfirmed batches
    LIVE = "live"  # submitted and finished batches
    ASKS = "asks"  # batches that an operator is asked about
    PAUSED_AT_BSG = "paused-at-bsg"  # batches by BSG's status of their campaign
    IN_MODERATION = "in-moderation"
    SPAM_AT_BSG = "spam-at-bsg"
    STOPS = "stops"  # BSG campaigns to be stopped
    PREPARE = "prepare"  # campaigns with parts to prepare (whole ledger)
    DEADLINES = "deadlines"  # campaigns with something unsent (whole ledger)
    UNFINISHED = "unfinished"  # campaigns with steps left of a cancel, a retry or a commit (whole ledger)


@dataclass(frozen=True, slots=True)
class Due:
    """The member of a room that has been due for longest, and since when (ms)."""

    member: str
    since_ms: int


class Rooms:
    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client: Any = client  # redis-py types its replies as all that they might be
        self._scripts = scripts

    def take_due(self, room: Room, *, account: str = "", at_most: int, put_off_ms: int) -> list[str]:
        """The members that are due, put off by `put_off_ms` so that two who look at once share the work."""
        return [text_of(member) for member in self._scripts.run("due", account, room.value, at_most, put_off_ms)]

    def give_back(self, room: Room, members: Sequence[str], *, account: str = "") -> None:
        """What was taken and not looked at is due at once."""
        self._scripts.run("give_back", account, room.value, *members)

    def members(self, room: Room, *, account: str) -> list[str]:
        """All that wait in an account's room, the earliest first."""
        return [text_of(member) for member in self._client.zrange(schema.due_index(room, account), 0, -1)]

    def oldest_due(self, places: Iterable[tuple[Room, str]]) -> Due | None:
        """Which member is, or was, due first in these rooms of these accounts ("": the whole ledger's room)."""
        pipe = self._client.pipeline(transaction=False)
        for room, account in places:
            pipe.zrange(schema.due_index(room, account), 0, 0, withscores=True)
        found = [Due(text_of(name), int(since)) for answer in pipe.execute() for name, since in answer]
        return min(found, key=lambda due: due.since_ms, default=None)

    def length(self, room: Room, *, account: str) -> int:
        """How many wait in an account's room."""
        return int(self._client.zcard(schema.due_index(room, account)))

    def since(self, room: Room, since_ms: int, *, account: str) -> list[str]:
        """Those that are in an account's room since that moment or later, the earliest first."""
        return [
            text_of(member) for member in self._client.zrangebyscore(schema.due_index(room, account), since_ms, "+inf")
        ]

    def looks(self, room: Room, members: Sequence[str], *, account: str) -> dict[str, datetime]:
        """When each of the members is looked at next; those that are not in the room are left out."""
        if not members:
            return {}
        scores = self._client.zmscore(schema.due_index(room, account), list(members))
        return {member: moment(score) for member, score in zip(members, scores, strict=True) if score is not None}

    def closed_since(self, before_ms: int) -> list[str]:
        """Campaigns of which nothing is left to do since before that moment."""
        return [text_of(member) for member in self._client.zrangebyscore(schema.CLOSED(), "-inf", before_ms)]

    def now_ms(self) -> int:
        """The moment on Redis's clock, the only one that the ledger knows."""
        return now_ms(self._client)
