"""Read compacted campaigns: their records, and the pages of those with many batches, transitions or rejects."""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

import redis

from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.compacted_record import ROWS_A_PAGE, CompactedRecord, Fields, entry_of, page_rows
from bsg_ledger.replies import Replies, typed
from bsg_ledger.scripts import decoded

logger = logging.getLogger(__name__)


class RecordUnreadable(Exception):
    """The record of a compacted campaign, or a page of it, cannot be read. `why` also says what to do."""

    def __init__(self, campaign_id: str, why: str) -> None:
        self.campaign_id = campaign_id
        self.why = why
        super().__init__(campaign_id, why)


class CompactedCampaign:
    """A compacted campaign. What is in pages is read when it is asked for."""

    def __init__(self, client: Replies, campaign_id: str, record: CompactedRecord) -> None:
        self._client = client
        self._campaign_id = campaign_id
        self._record = record

    @property
    def fields(self) -> Fields:
        return self._record.fields

    @property
    def batch_count(self) -> int:
        return int(self.fields.get("next_batch", 0))

    @property
    def closed_at_ms(self) -> int:
        return int(self.fields["closed_at"])

    def batches(self, numbers: range) -> Iterator[tuple[int, Fields]]:
        """Yield the batches with these consecutive numbers, if they exist."""
        first = max(numbers.start, 0)
        return enumerate(islice(self._rows("batches", first), max(0, numbers.stop - first)), first)

    def batch(self, number: int) -> Fields | None:
        return next((batch for _, batch in self.batches(range(number, number + 1))), None)

    def batch_with(self, index: int) -> int:
        """Return the number of the batch of a stream's campaign that has the message with that index."""
        pages = self._record.pages.get("batches")
        page = 0 if pages is None else max(0, bisect_right(pages.firsts, index) - 1)
        first = page * ROWS_A_PAGE["batches"]
        numbers = self.batches(range(first, first + ROWS_A_PAGE["batches"]))
        return max((number for number, batch in numbers if int(batch.get("first_index", 0)) <= index), default=first)

    def transitions(self, after: str = "-") -> Iterator[tuple[str, Fields]]:
        """Yield the id and the fields of each event after that id ("-": from the first one on)."""
        position = (-1, 0) if after == "-" else _position(after)
        pages = self._record.pages.get("events")
        page = 0 if pages is None else max(0, bisect_left(pages.firsts, position[0]) - 1)
        for row in self._rows("events", page * ROWS_A_PAGE["events"]):
            if _position(entry_of(row)) > position:
                yield entry_of(row), row

    def latest_transitions(self, at_most: int) -> tuple[list[tuple[str, Fields]], int]:
        """Return the last events, the newest first, and the number of all events."""
        pages = self._record.pages.get("events")
        total = len(self._record.events) if pages is None else pages.rows
        latest = [(entry_of(row), row) for row in self._rows("events", max(0, total - at_most))]
        return latest[::-1], total

    def rejects(self, start: int = 0) -> Iterator[str]:
        """Yield the rows (JSON) of the rejected messages, ordered by index, without the first `start` ones."""
        return (reject["row"] for reject in self._rows("rejects", start))

    def reject_at(self, index: int) -> str | None:
        pages = self._record.pages.get("rejects")
        page = 0 if pages is None else max(0, bisect_right(pages.firsts, index) - 1)
        first = page * ROWS_A_PAGE["rejects"]
        rejects = islice(self._rows("rejects", first), ROWS_A_PAGE["rejects"])
        return next((reject["row"] for reject in rejects if reject["index"] == str(index)), None)

    def _rows(self, kind: str, start: int) -> Iterator[Fields]:
        """Yield the rows of that kind from a row on."""
        pages = self._record.pages.get(kind)
        if pages is None:
            inside = {"batches": self._record.batches, "events": self._record.events, "rejects": self._record.rejects}
            yield from inside[kind][start:]
            return
        first, skipped = divmod(start, ROWS_A_PAGE[kind])
        for number in range(first, len(pages.firsts)):
            page = self._client.hget(schema.PAGES(self._campaign_id), f"{kind}:{number}")
            if page is None:
                return  # the campaign has been forgotten meanwhile
            with _reading(self._campaign_id, schema.PAGES(self._campaign_id)):
                rows = page_rows(page, self._record.accepted_at_ms)
            yield from rows[skipped:]
            skipped = 0


class CompactedReading:
    def __init__(self, client: redis.Redis | Replies) -> None:
        self._client = typed(client)

    def campaign(self, campaign_id: str) -> CompactedCampaign | None:
        """Return a compacted campaign; None for any other. Raise `RecordUnreadable`."""
        for _, found in self._read([campaign_id]):
            if isinstance(found, RecordUnreadable):
                raise found
            return found
        return None

    def campaigns(self, campaign_ids: Sequence[str]) -> dict[str, CompactedCampaign]:
        """Return those of the campaigns that are compacted. Log those that cannot be read."""
        readable: dict[str, CompactedCampaign] = {}
        for campaign_id, found in self._read(campaign_ids):
            if isinstance(found, RecordUnreadable):
                log_unreadable(found)
            else:
                readable[campaign_id] = found
        return readable

    def _read(self, campaign_ids: Sequence[str]) -> Iterator[tuple[str, CompactedCampaign | RecordUnreadable]]:
        if not campaign_ids:
            return
        pipe = self._client.pipeline(transaction=False)
        for campaign_id in campaign_ids:
            pipe.get(schema.RECORD(campaign_id))
        for campaign_id, written in zip(campaign_ids, pipe.execute(), strict=True):
            if written is None:
                continue
            try:
                with _reading(campaign_id, schema.RECORD(campaign_id)):
                    record = CompactedRecord.from_bytes(written)
            except RecordUnreadable as unreadable:
                yield campaign_id, unreadable
            else:
                yield campaign_id, CompactedCampaign(self._client, campaign_id, record)

    def fields(self, campaign_ids: Sequence[str], hashes: Sequence[Mapping[bytes, bytes]]) -> dict[str, Fields]:
        """Return the fields of campaigns: by their hashes, as these were read, or else by their records.

        Unknown campaigns are left out. A campaign whose record cannot be read has `unreadable_record`, which says why.
        The order is that of `campaign_ids`.
        """
        found: dict[str, Fields] = {name: decoded(raw) for name, raw in zip(campaign_ids, hashes, strict=True) if raw}
        for name, campaign in self._read([name for name in campaign_ids if name not in found]):
            found[name] = campaign.fields if isinstance(campaign, CompactedCampaign) else self._without_record(campaign)
        return {name: found[name] for name in campaign_ids if name in found}

    def _without_record(self, unreadable: RecordUnreadable) -> Fields:
        """Return what is known of the campaign in place of its fields."""
        accepted_at = str(int(self._client.zscore(schema.CAMPAIGNS(), unreadable.campaign_id) or 0))
        return {
            "accepted_at": accepted_at,
            "deadline": accepted_at,
            "account_name": "",
            "messages": "0",
            "unreadable_record": unreadable.why,
        }

    def batches(self, ids: Sequence[BatchId]) -> dict[BatchId, Fields]:
        """Return those of the batches that belong to compacted campaigns."""
        return batches_in(self.campaigns(list({batch.campaign_id for batch in ids})), ids)


def batches_in(campaigns: Mapping[str, CompactedCampaign], ids: Sequence[BatchId]) -> dict[BatchId, Fields]:
    """Return those of the batches that belong to these campaigns. Log the campaigns that cannot be read."""
    numbers: dict[str, set[int]] = {}
    for batch in ids:
        numbers.setdefault(batch.campaign_id, set()).add(batch.number)
    found: dict[BatchId, Fields] = {}
    for campaign_id, campaign in campaigns.items():
        wanted = numbers.get(campaign_id, set())
        try:
            for number, record in campaign.batches(range(min(wanted, default=0), max(wanted, default=-1) + 1)):
                if number in wanted:
                    found[BatchId.of(campaign_id, number)] = record
        except RecordUnreadable as unreadable:
            log_unreadable(unreadable)
    return found


def log_unreadable(unreadable: RecordUnreadable) -> None:
    logger.warning("Campaign %s cannot be read and is left out: %s", unreadable.campaign_id, unreadable.why)


@contextmanager
def _reading(campaign_id: str, key: str) -> Iterator[None]:
    """Raise `RecordUnreadable` if what the key of the campaign holds cannot be parsed."""
    try:
        yield
    except ValueError:
        why = f"its record is damaged, or of a later release: restore the key {key} from a copy of Redis, or update"
        raise RecordUnreadable(campaign_id, why) from None


def _position(entry: str) -> tuple[int, int]:
    time, _, sequence = entry.partition("-")
    return int(time), int(sequence or 0)
