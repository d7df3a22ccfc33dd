"""Compact closed campaigns: one compressed record replaces their keys."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TypeVar

import redis
from redis.exceptions import OutOfMemoryError

from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.compacted_reading import CompactedCampaign, CompactedReading, RecordUnreadable, log_unreadable
from bsg_ledger.compacted_record import (
    ROWS_A_PAGE,
    CompactedRecord,
    Fields,
    Pages,
    event_row,
    lasting,
    page_bytes,
    reject_row,
)
from bsg_ledger.replies import typed
from bsg_ledger.scripts import Scripts, decoded, text_of
from bsg_ledger.states import BatchState

KEEP_PAGES_MS = 600_000  # a page is read, compressed and stored in well under a second
ROWS_INSIDE = {"batches": 25, "events": 200, "rejects": 100}  # of a record; more of them are in pages
OWNERS_A_STEP = 100
CAMPAIGNS_AT_ONCE = 500

_HELD_IN = ("leases", "doubt", "live", "needs-operator", "paused-at-bsg", "in-moderation", "spam-at-bsg")
_ENDS = frozenset({BatchState.FINISHED, BatchState.REFUSED, BatchState.CANCELLED, BatchState.EXPIRED})


T = TypeVar("T")


class _MayChange(Exception):
    """A batch may still change."""


@dataclass(frozen=True, slots=True)
class _AsRead:
    """A campaign as it was read. It is compacted only if its fields and its last event are the same then."""

    raw: dict[bytes, bytes]
    last_event: str
    closed_at_ms: int

    @property
    def fields(self) -> Fields:
        return decoded(self.raw)


class Compaction:
    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._reads = typed(client)
        self._scripts = scripts
        self._reading = CompactedReading(client)

    def compact(self, campaign_id: str, *, closed_for_ms: int) -> bool:
        """Compact a campaign that has been closed for so long. Return False if it cannot be compacted now.

        Its messages must be forgotten, so that no retry applies, and BSG's statistics of it must not change any more.
        """
        compacted = self.commit(campaign_id, closed_for_ms=closed_for_ms)
        if compacted:
            self._scripts.all_steps("remove_compacted", campaign_id)
        return compacted

    def commit(self, campaign_id: str, *, closed_for_ms: int) -> bool:
        """Write the record, and remove as much of what it replaces as one step removes."""
        read = self._read(campaign_id)
        if read is None:
            return False
        token = secrets.token_hex(8)
        stored = _StoredPages(self._client, campaign_id, token, int(read.fields["accepted_at"]))
        try:
            record = self._record(campaign_id, read, stored)
        except (_MayChange, OutOfMemoryError):  # a full Redis stores no pages
            return False
        reply = self._scripts.run(
            "compact",
            campaign_id,
            record.to_bytes(),
            token if stored.count else "",
            stored.count,
            closed_for_ms,
            read.last_event,
            self._scripts.batches_a_step,
            *(item for pair in read.raw.items() for item in pair),
        )
        return text_of(reply[0]) == "compacted"

    def closed_before(self, before_ms: int) -> list[str]:
        """Return the compacted campaigns that closed before that time."""
        # A campaign is accepted before it closes.
        names = [text_of(name) for name in self._reads.zrangebyscore(schema.CAMPAIGNS(), "-inf", before_ms)]
        return [
            campaign_id
            for some in _at_most(names, CAMPAIGNS_AT_ONCE)
            for campaign_id, campaign in self._reading.campaigns(some).items()
            if campaign.closed_at_ms <= before_ms
        ]

    def forget(self, campaign_id: str) -> bool:
        """Delete a compacted campaign. Return False if it is not compacted, or has anything left to do.

        A campaign that cannot be read is kept and logged.
        """
        campaign = self._reading.campaigns([campaign_id]).get(campaign_id)
        if campaign is None:
            return False
        fields = campaign.fields
        # The owners may have been copied to another key of the account.
        keys = [text_of(account) for account in self._reads.zrange(schema.ACCOUNT_KEYS(), 0, -1)]
        try:
            for account in dict.fromkeys((fields.get("account", ""), *keys)):
                self._disown(campaign_id, campaign, account)
        except RecordUnreadable as unreadable:
            log_unreadable(unreadable)
            return False
        states = [
            item
            for name, count in fields.items()
            if name.startswith("messages:")
            for item in (name.removeprefix("messages:"), count)
        ]
        reply = self._scripts.run(
            "forget_compacted", campaign_id, fields.get("idempotency_key", ""), fields.get("stream", ""), *states
        )
        return text_of(reply[0]) == "done"

    def rekey(self, campaign_id: str, *, old: str, account: str, address: str, bsg_account: str) -> str:
        """Move a compacted campaign to another key of the same account at BSG. Return the reply of `rekey_record`."""
        before = self._reads.get(schema.RECORD(campaign_id))
        record = None if before is None else CompactedRecord.from_bytes(before)
        if before is None or record is None or record.fields.get("account") != old:
            return "stale"
        after = replace(record, fields={**record.fields, "account": account}).to_bytes()
        kind = text_of(self._scripts.run("rekey_record", campaign_id, old, address, bsg_account, before, after)[0])
        if kind == "moved" and (campaign := self._reading.campaign(campaign_id)) is not None:
            self._disown(campaign_id, campaign, old)
        return kind

    def _disown(self, campaign_id: str, campaign: CompactedCampaign, account: str) -> None:
        owned = (
            item
            for number, batch in campaign.batches(range(campaign.batch_count))
            for bsg_id in _bsg_ids(batch)
            for item in (number, bsg_id)
        )
        for some in _at_most(owned, 2 * OWNERS_A_STEP):
            self._scripts.run("disown", campaign_id, account, *some)

    def _read(self, campaign_id: str) -> _AsRead | None:
        """Return a closed campaign as it is now. What is read of it later is newer."""
        pipe = self._reads.pipeline(transaction=True)
        pipe.hgetall(schema.CAMPAIGN(campaign_id))
        pipe.xrevrange(schema.CAMPAIGN_EVENTS(campaign_id), count=1)
        pipe.zscore(schema.CLOSED(), campaign_id)
        raw, last, closed_at = pipe.execute()
        if not raw or closed_at is None:
            return None
        return _AsRead(raw, text_of(last[0][0]) if last else "0", int(closed_at))

    def _record(self, campaign_id: str, read: _AsRead, stored: _StoredPages) -> CompactedRecord:
        """Raise `_MayChange`."""
        fields = {**lasting(read.fields), "closed_at": str(read.closed_at_ms)}
        return CompactedRecord(
            fields=fields,
            batches=stored.rows("batches", self._batches(campaign_id, read.fields)),
            events=stored.rows("events", self._events(campaign_id)),
            rejects=stored.rows("rejects", self._rejects(campaign_id)),
            pages=stored.pages,
        )

    def _batches(self, campaign_id: str, fields: Fields) -> Iterator[Fields]:
        numbers = range(int(fields["next_batch"]))
        for first in range(0, len(numbers), ROWS_A_PAGE["batches"]):
            some = numbers[first : first + ROWS_A_PAGE["batches"]]
            # No poll changes a batch that is in no index. Until it is in none, a poll may.
            self._require_in_no_index([BatchId.of(campaign_id, number) for number in some], fields["account"])
            pipe = self._reads.pipeline(transaction=False)
            for number in some:
                pipe.hgetall(schema.BATCH(campaign_id, number))
            batches = [decoded(raw) for raw in pipe.execute()]
            self._require_final(batches, fields["account"])
            yield from map(lasting, batches)

    def _require_in_no_index(self, batches: Sequence[BatchId], account: str) -> None:
        pipe = self._reads.pipeline(transaction=False)
        for index in _HELD_IN if account else ():
            pipe.zmscore(schema.due_index(index, account), list(batches))
        # guard: final-in-no-index
        if any(score is not None for scores in pipe.execute() for score in scores):
            raise _MayChange

    def _require_final(self, batches: Sequence[Fields], account: str) -> None:
        for batch in batches:
            # A batch that BSG may turn out to have must be found then.
            in_doubt = batch.get("doubt") == "1" and batch.get("state") != BatchState.FINISHED  # guard: doubt-is-kept
            if batch.get("state") not in _ENDS or in_doubt:
                raise _MayChange
        stops = [bsg_id for batch in batches for bsg_id in _bsg_ids(batch)] if account else []
        # guard: final-without-stops
        if stops and any(score is not None for score in self._reads.zmscore(schema.STOPS(account), stops)):
            raise _MayChange

    def _events(self, campaign_id: str) -> Iterator[Fields]:
        position = "-"
        while entries := self._reads.xrange(
            schema.CAMPAIGN_EVENTS(campaign_id), position, "+", count=ROWS_A_PAGE["events"]
        ):
            for entry, raw in entries:
                yield event_row(text_of(entry), decoded(raw))
            position = f"({text_of(entries[-1][0])}"

    def _rejects(self, campaign_id: str) -> Iterator[Fields]:
        start, at_once = 0, ROWS_A_PAGE["rejects"]
        while found := self._reads.zrange(schema.REJECTS(campaign_id), start, start + at_once - 1, withscores=True):
            yield from (reject_row(index, row) for row, index in found)
            start += len(found)


@dataclass(slots=True)
class _StoredPages:
    """The pages of a campaign that is not compacted yet. They expire unless it is."""

    client: redis.Redis
    campaign_id: str
    token: str
    accepted_at_ms: int
    pages: dict[str, Pages] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(len(pages.firsts) for pages in self.pages.values())

    def rows(self, kind: str, rows: Iterator[Fields]) -> Sequence[Fields]:
        """Return the rows if they are few. Otherwise store them in pages, and return none."""
        inside = list(islice(rows, ROWS_INSIDE[kind] + 1))
        if len(inside) <= ROWS_INSIDE[kind]:
            return inside
        count, firsts = 0, list[int]()
        for page in _at_most(chain(inside, rows), ROWS_A_PAGE[kind]):
            self._store(f"{kind}:{len(firsts)}", page_bytes(page, self.accepted_at_ms))
            firsts.append(_first_of(kind, page[0]))
            count += len(page)
        self.pages[kind] = Pages(count, firsts)
        return ()

    def _store(self, name: str, page: bytes) -> None:
        key = schema.STORED_PAGES(self.campaign_id, self.token)
        with self.client.pipeline(transaction=True) as pipe:  # no stored page may lack an expiry
            pipe.hset(key, name, page)
            pipe.pexpire(key, KEEP_PAGES_MS)
            pipe.execute()


def _first_of(kind: str, row: Fields) -> int:
    """Return the number by which a reader finds the page that begins with the row."""
    return int(row.get({"batches": "first_index", "events": "entry", "rejects": "index"}[kind], 0))


def _bsg_ids(batch: Fields) -> list[str]:
    named = f"{batch.get('bsg_campaign_id', '')},{batch.get('other_bsg_campaign_ids', '')}"
    return [bsg_id for bsg_id in named.split(",") if bsg_id]


def _at_most(items: Iterable[T], count: int) -> Iterator[list[T]]:
    """Yield the items in lists of that length."""
    iterator = iter(items)
    while some := list(islice(iterator, count)):
        yield some
