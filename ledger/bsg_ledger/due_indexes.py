"""The due indexes: what has to be processed, and when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import redis

from bsg_ledger import schema
from bsg_ledger.redis_clock import now_ms
from bsg_ledger.replies import typed
from bsg_ledger.scripts import Scripts, text_of
from bsg_ledger.times import to_datetime


def unassigned(account_name: str) -> str:
    """Return the pseudo account in whose index campaigns for that account name wait until a dispatch assigns them."""
    return f"-{account_name}"


class DueIndex(StrEnum):
    SENDABLE = "sendable"  # campaigns with a batch that is due now
    PREPARABLE = "preparable"  # campaigns with a chunk that is due now
    DUE = "due"  # campaigns with something that is due later; unassigned campaigns also if it is due now
    LEASES = "leases"  # posting batches
    DOUBT = "doubt"  # unconfirmed batches
    LIVE = "live"  # submitted and finished batches
    NEEDS_OPERATOR = "needs-operator"  # batches that need an operator
    PAUSED_AT_BSG = "paused-at-bsg"  # batches by BSG's status of their campaign
    IN_MODERATION = "in-moderation"
    SPAM_AT_BSG = "spam-at-bsg"
    STOPS = "stops"  # BSG campaigns to be stopped
    DEADLINES = "deadlines"  # campaigns with something unsent (whole ledger)
    COLLECTING = "collecting"  # campaigns that take up messages of their stream (whole ledger)
    UNFINISHED = "unfinished"  # campaigns with remaining steps of a change of the whole campaign (whole ledger)


_MAX_NEXT = 8
_MEMBERS_AT_ONCE = 500  # blocks Redis for some milliseconds


@dataclass(frozen=True, slots=True)
class Due:
    """The member of an index that has been due for longest, and since when (ms)."""

    member: str
    since_ms: int


class DueIndexes:
    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = typed(client)
        self._scripts = scripts

    def take_due(self, index: DueIndex, *, account: str = "", at_most: int, put_off_ms: int) -> list[str]:
        """Take the members that are due, and postpone them by `put_off_ms`: concurrent callers share the work."""
        return [text_of(member) for member in self._scripts.run("due", account, index.value, at_most, put_off_ms)]

    def postpone(self, index: DueIndex, members: Sequence[str], *, account: str, by_ms: int) -> None:
        """Postpone members that are being processed: they are due in `by_ms`, or later if they were due later.

        Members that have left the index stay out of it.
        """
        for first in range(0, len(members), _MEMBERS_AT_ONCE):
            some = members[first : first + _MEMBERS_AT_ONCE]
            self._scripts.run("postpone", account, index.value, by_ms, *some)

    def give_back(self, index: DueIndex, members: Sequence[str], *, account: str) -> None:
        """Give back members that were taken and not processed. They are due at once."""
        self.postpone(index, members, account=account, by_ms=0)

    def members(self, index: DueIndex, *, account: str) -> list[str]:
        """Return all members of an account's index, the earliest first."""
        return [text_of(member) for member in self._client.zrange(schema.due_index(index, account), 0, -1)]

    def oldest_due(self, indexes: Iterable[tuple[DueIndex, str]]) -> Due | None:
        """Return the member with the earliest due time in these indexes of these accounts ("": the whole ledger's)."""
        pipe = self._client.pipeline(transaction=False)
        for index, account in indexes:
            pipe.zrange(schema.due_index(index, account), 0, 0, withscores=True)
        found = [Due(text_of(name), int(since)) for reply in pipe.execute() for name, since in reply]
        return min(found, key=lambda due: due.since_ms, default=None)

    def next_campaigns(self, owner: str) -> list[str]:
        """Return the campaigns of an account (or of an account's name) that are expected next."""
        pipe = self._client.pipeline(transaction=False)
        for index in (DueIndex.SENDABLE, DueIndex.PREPARABLE, DueIndex.DUE):
            pipe.zrange(schema.due_index(index, owner), 0, _MAX_NEXT - 1)
        return list(dict.fromkeys(text_of(name) for names in pipe.execute() for name in names))

    def oldest_waiting(self, owners: Iterable[str]) -> Due | None:
        """Return the campaign, of those that are expected next, that has waited for longest, and since when."""
        campaigns = [campaign for owner in owners for campaign in self.next_campaigns(owner)]
        pipe = self._client.pipeline(transaction=False)
        for campaign in campaigns:
            pipe.zrange(schema.CAMPAIGN_DUE(campaign), 0, 0, withscores=True)
            pipe.zrange(schema.CHUNKS(campaign), 0, 0, withscores=True)
        replies = iter(pipe.execute())
        found = [
            Due(campaign, int(since))
            for campaign in campaigns
            for _, since in (*next(replies), *next(replies))
        ]  # fmt: skip
        return min(found, key=lambda due: due.since_ms, default=None)

    def length(self, index: DueIndex, *, account: str) -> int:
        """Return the number of members in an account's index."""
        return self._client.zcard(schema.due_index(index, account))

    def since(self, index: DueIndex, since_ms: int, *, account: str) -> list[str]:
        """Return the members of an account's index since that time or later, the earliest first."""
        return [
            text_of(member) for member in self._client.zrangebyscore(schema.due_index(index, account), since_ms, "+inf")
        ]

    def looks(self, index: DueIndex, members: Sequence[str], *, account: str) -> dict[str, datetime]:
        """Return when each member is due, without those that are not in the index."""
        if not members:
            return {}
        scores = self._client.zmscore(schema.due_index(index, account), list(members))
        return {member: to_datetime(score) for member, score in zip(members, scores, strict=True) if score is not None}

    def closed_before(self, before_ms: int) -> list[str]:
        """Return the campaigns that closed before that time."""
        return [text_of(member) for member in self._client.zrangebyscore(schema.CLOSED(), "-inf", before_ms)]

    def now(self) -> datetime:
        """Return the time on Redis's clock, which is the ledger's only clock."""
        return to_datetime(self.now_ms())

    def now_ms(self) -> int:
        """Return the time on Redis's clock in milliseconds."""
        return now_ms(self._client)
