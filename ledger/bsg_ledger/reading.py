"""Read the ledger. Nothing here changes it.

A campaign is compacted in one step. Therefore what is missing among its keys is in its record by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import redis

from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.compacted_reading import CompactedReading, batches_in
from bsg_ledger.record_parsing import batch_of, batch_record_of, summary_of, transition_of
from bsg_ledger.records import Batch, BatchRecord, CampaignStatus, CampaignSummary, OpenCampaign, Transition
from bsg_ledger.replies import typed
from bsg_ledger.rows import decode_rows
from bsg_ledger.scripts import decoded, text_of
from bsg_ledger.states import MESSAGE_STATES
from bsg_ledger.times import to_datetime

BATCHES_AT_ONCE = 500
EVENTS_AT_ONCE = 1000
OWNERS_AT_ONCE = 1000

_HEAD = ("options", "cancelled", "account", "account_name", "accepted_at", "deadline")


class Reading:
    def __init__(self, client: redis.Redis) -> None:
        self._client = typed(client)
        self._compacted = CompactedReading(client)

    def status(self, campaign_id: str) -> CampaignStatus | None:
        """Return everything about a campaign; None if the ledger does not know it."""
        record = self._record(campaign_id)
        if record is None:
            return None
        summary = summary_of(campaign_id, record)
        return CampaignStatus(
            campaign_id=campaign_id,
            name=summary.name,
            state=summary.state,
            paused=summary.paused,
            cancelled=record.get("cancelled") == "1",
            counts=summary.counts,
            batches=list(self.batches(campaign_id, range(int(record.get("next_batch", 0))))),
            transitions=list(self.transitions(campaign_id)),
            accepted_at=summary.accepted_at,
            deadline=to_datetime(int(record["deadline"])),
            account_name=summary.account_name,
            account=record.get("account") or None,
        )

    def summary(self, campaign_id: str) -> CampaignSummary | None:
        record = self._record(campaign_id)
        return None if record is None else summary_of(campaign_id, record)

    def campaigns(self) -> Iterator[CampaignSummary]:
        """Yield every campaign, the newest first."""
        start = 0
        while names := self._client.zrevrange(schema.CAMPAIGNS(), start, start + BATCHES_AT_ONCE - 1):
            yield from self.summaries([text_of(name) for name in names])
            start += len(names)

    def summaries(self, campaign_ids: Sequence[str]) -> Iterator[CampaignSummary]:
        """Yield these campaigns, in that order. Those that the ledger does not know are left out."""
        for start in range(0, len(campaign_ids), BATCHES_AT_ONCE):
            some = campaign_ids[start : start + BATCHES_AT_ONCE]
            pipe = self._client.pipeline(transaction=False)
            for campaign_id in some:
                pipe.hgetall(schema.CAMPAIGN(campaign_id))
            for campaign_id, fields in self._compacted.fields(some, pipe.execute()).items():
                yield summary_of(campaign_id, fields)

    def batches(self, campaign_id: str, numbers: range) -> Iterator[Batch]:
        """Yield the campaign's batches with these numbers, if they exist."""
        for start in range(0, len(numbers), BATCHES_AT_ONCE):
            some = numbers[start : start + BATCHES_AT_ONCE]
            pipe = self._client.pipeline(transaction=False)
            for number in some:
                pipe.hgetall(schema.BATCH(campaign_id, number))
            found: dict[int, Mapping[str, str]] = {
                number: decoded(raw) for number, raw in zip(some, pipe.execute(), strict=True) if raw
            }
            if len(found) < len(some) and (campaign := self._compacted.campaign(campaign_id)) is not None:
                found = dict(campaign.batches(some))
            yield from (batch_of(BatchId.of(campaign_id, number), found[number]) for number in some if number in found)

    def batch(self, batch: BatchId) -> Batch:
        """Return a batch that exists."""
        (found,) = self.batches(batch.campaign_id, range(batch.number, batch.number + 1))
        return found

    def rejects(self, campaign_id: str) -> Iterator[str]:
        """Yield the rejected messages' rows (JSON), ordered by index."""
        start = 0
        while rows := self._client.zrange(schema.REJECTS(campaign_id), start, start + EVENTS_AT_ONCE - 1):
            yield from (text_of(row) for row in rows)
            start += len(rows)
        if (campaign := self._compacted.campaign(campaign_id)) is not None:
            yield from campaign.rejects(start)

    def reject_at(self, campaign_id: str, index: int) -> str | None:
        """Return the row (JSON) of the rejected message with that index; None if it is not rejected."""
        rows = self._client.zrangebyscore(schema.REJECTS(campaign_id), index, index)
        if rows:
            return text_of(rows[0])
        campaign = self._compacted.campaign(campaign_id)
        return None if campaign is None else campaign.reject_at(index)

    def transitions(self, campaign_id: str, *, after: str = "-") -> Iterator[Transition]:
        """Yield the campaign's transitions after a position ("-": from the beginning), oldest first."""
        key, position = schema.CAMPAIGN_EVENTS(campaign_id), after if after == "-" else f"({after}"
        while entries := self._client.xrange(key, position, "+", count=EVENTS_AT_ONCE):
            for entry, fields in entries:
                yield transition_of(campaign_id, text_of(entry), decoded(fields))
            after = text_of(entries[-1][0])
            position = f"({after}"
        if (campaign := self._compacted.campaign(campaign_id)) is not None:
            for entry_id, event in campaign.transitions(after):
                yield transition_of(campaign_id, entry_id, event)

    def latest_transitions(self, campaign_id: str, at_most: int) -> tuple[list[Transition], int]:
        """Return the campaign's last transitions, the newest first, and the number of all its transitions."""
        key = schema.CAMPAIGN_EVENTS(campaign_id)
        pipe = self._client.pipeline(transaction=True)  # a compaction between both would leave no number
        pipe.xrevrange(key, count=at_most)
        pipe.xlen(key)
        entries, total = pipe.execute()
        if not entries and (campaign := self._compacted.campaign(campaign_id)) is not None:
            events, total = campaign.latest_transitions(at_most)
            return [transition_of(campaign_id, entry, event) for entry, event in events], total
        return [transition_of(campaign_id, text_of(entry), decoded(fields)) for entry, fields in entries], total

    def wait_for_transitions(self, campaign_id: str, *, after: str, at_most_ms: int) -> Sequence[Transition]:
        """Return the transitions after a position. Wait for the next one, `at_most_ms` at most."""
        if (compacted := self._compacted_transitions(campaign_id, after)) is not None:
            return compacted
        key = schema.CAMPAIGN_EVENTS(campaign_id)
        reply = self._client.xread({key: "0" if after == "-" else after}, count=EVENTS_AT_ONCE, block=at_most_ms)
        if not reply:  # it may have been compacted meanwhile
            return self._compacted_transitions(campaign_id, after) or []
        return [transition_of(campaign_id, text_of(entry), decoded(raw)) for _, found in reply for entry, raw in found]

    def _compacted_transitions(self, campaign_id: str, after: str) -> Sequence[Transition] | None:
        """Return the next transitions of a compacted campaign; None for any other campaign."""
        if (campaign := self._compacted.campaign(campaign_id)) is None:
            return None
        events = islice(campaign.transitions(after), EVENTS_AT_ONCE)
        return [transition_of(campaign_id, entry, event) for entry, event in events]

    def batch_records(self, ids: Iterable[BatchId]) -> list[BatchRecord]:
        """Return the records of batches by their ids, without batches that are gone."""
        wanted = list(ids)
        pipe = self._client.pipeline(transaction=False)
        for batch in wanted:
            pipe.hgetall(schema.BATCH(*batch.parts))
            pipe.hmget(schema.CAMPAIGN(batch.campaign_id), _HEAD)
        replies = pipe.execute()
        found = {
            batch: batch_record_of(batch, decoded(raw), head)
            for batch, raw, head in zip(wanted, replies[::2], replies[1::2], strict=True)
            if raw and head[0] is not None
        }
        missing = [batch for batch in wanted if batch not in found]
        compacted = self._compacted.campaigns(list({batch.campaign_id for batch in missing}))
        for batch, record in batches_in(compacted, missing).items():
            fields = compacted[batch.campaign_id].fields
            found[batch] = batch_record_of(batch, record, [fields.get(name, "").encode() for name in _HEAD])
        return [found[batch] for batch in wanted if batch in found]

    def open_campaigns(self) -> Iterator[OpenCampaign]:
        """Yield the open campaigns of every account, the oldest first."""
        for name in map(text_of, self._client.zrange(schema.OPEN(), 0, -1)):
            record = self._record(name)
            if record is not None:
                yield OpenCampaign(
                    campaign_id=name,
                    account_name=record["account_name"],
                    account=record.get("account") or None,
                    accepted_at=to_datetime(int(record["accepted_at"])),
                    unprepared=int(record.get("messages:unprepared", 0)),
                    batch_ids=[BatchId.of(name, number) for number in range(int(record.get("next_batch", 0)))],
                )

    def campaign_options(self, campaign_id: str) -> str | None:
        """Return the campaign's options as they were accepted (JSON); None for an unknown campaign."""
        return self._field(campaign_id, "options")

    def batch_count(self, campaign_id: str) -> int:
        return int(self._field(campaign_id, "next_batch") or 0)

    def owned(self, account: str) -> Iterator[tuple[int, BatchId]]:
        """Yield every BSG campaign that belongs to a batch, with that batch, in no order."""
        for bsg_id, owner in self._client.hscan_iter(schema.OWNERS(account), count=BATCHES_AT_ONCE):
            yield int(bsg_id), BatchId(text_of(owner))

    def body(self, batch: BatchId) -> bytes | None:
        """Return the batch's messages array as it was prepared; None once it is forgotten."""
        return self._client.get(schema.BATCH_MESSAGES(*batch.parts))

    def unprepared_chunks(self, campaign_id: str) -> Iterator[tuple[int, bytes]]:
        """Yield the campaign's chunks that have no batches yet: the index of the first message, and its messages."""
        for chunk in sorted(int(name) for name in self._client.zrange(schema.CHUNKS(campaign_id), 0, -1)):
            packed = self._client.hget(schema.CAMPAIGN_MESSAGES(campaign_id), str(chunk))
            first_index = self._client.hget(schema.CHUNK(campaign_id, chunk), "first_index")
            if packed is not None and first_index is not None:
                yield int(first_index), packed

    def waiting_body(self, campaign_id: str) -> bytes | None:
        """Return the stored messages of the next chunk to prepare, else of the next batch to send; None if neither."""
        body: bytes | None = None
        for chunk in self._client.zrange(schema.CHUNKS(campaign_id), 0, 0):
            body = self._client.hget(schema.CAMPAIGN_MESSAGES(campaign_id), chunk)
        for batch in self._client.zrange(schema.CAMPAIGN_DUE(campaign_id), 0, 0) if body is None else ():
            body = self._client.get(schema.BATCH_MESSAGES(campaign_id, text_of(batch)))
        return body

    def rows(self, batch: BatchId) -> list[int]:
        """Return the indexes of the batch's messages in the campaign, in the order of its body."""
        rows = self._client.hget(schema.BATCH(*batch.parts), "rows")
        if rows is None and (campaign := self._compacted.campaign(batch.campaign_id)) is not None:
            return decode_rows((campaign.batch(batch.number) or {}).get("rows", ""))
        return decode_rows(text_of(rows or b""))

    def account_names(self) -> list[str]:
        """Return the name of every account that a campaign was ever accepted for, sorted."""
        return sorted(text_of(name) for name in self._client.smembers(schema.ACCOUNT_NAMES()))

    def account_of(self, campaign_id: str) -> tuple[str | None, str | None]:
        """Return the account id that the campaign is assigned to, if any, and its account name."""
        record = self._record(campaign_id) or {}
        return record.get("account") or None, record.get("account_name") or None

    def priority(self, campaign_id: str) -> str:
        return self._field(campaign_id, "priority") or "normal"

    def owner(self, account: str, bsg_campaign_id: int) -> BatchId | None:
        """Return the batch that a BSG campaign belongs to."""
        owner = self._client.hget(schema.OWNERS(account), str(bsg_campaign_id))
        return None if owner is None else BatchId(text_of(owner))

    def owners(self, account: str, bsg_campaign_ids: Sequence[str]) -> list[BatchId]:
        """Return the batches that these BSG campaigns belong to. Campaigns without a batch are left out."""
        if not bsg_campaign_ids:
            return []
        owners = self._client.hmget(schema.OWNERS(account), list(bsg_campaign_ids))
        return [BatchId(text_of(owner)) for owner in owners if owner is not None]

    def refused_stops(self, account: str, bsg_campaign_ids: Sequence[str]) -> dict[str, str]:
        """Return each campaign's status at BSG when BSG last refused to stop it."""
        if not bsg_campaign_ids:
            return {}
        statuses = self._client.hmget(schema.STOP_REFUSALS(account), list(bsg_campaign_ids))
        return {
            bsg_id: text_of(status)
            for bsg_id, status in zip(bsg_campaign_ids, statuses, strict=True)
            if status is not None
        }

    def orphans(self, account: str, bsg_campaign_ids: Sequence[int]) -> frozenset[int]:
        """Return those BSG campaigns that belong to no batch that the ledger knows."""
        without: set[int] = set()
        for first in range(0, len(bsg_campaign_ids), OWNERS_AT_ONCE):
            some = bsg_campaign_ids[first : first + OWNERS_AT_ONCE]
            owners = self._client.hmget(schema.OWNERS(account), [str(bsg_id) for bsg_id in some])
            without.update(bsg_id for bsg_id, owner in zip(some, owners, strict=True) if owner is None)
        return frozenset(without)

    def messages_by_state(self) -> dict[str, int]:
        """Return the number of messages in each state, over all campaigns."""
        counted = decoded(self._client.hgetall(schema.MESSAGES()))
        return {state: int(counted.get(state, 0)) for state in MESSAGE_STATES}

    def alarms(self) -> int:
        """Return the number of alarms since the ledger began."""
        return int(self._client.hget(schema.LEDGER(), "alarms") or 0)

    def bodies_forgotten(self, campaign_ids: Sequence[str]) -> dict[str, bool]:
        """Return, for each of these campaigns, whether all of its messages are forgotten."""
        pipe = self._client.pipeline(transaction=False)
        for campaign_id in campaign_ids:
            pipe.hmget(schema.CAMPAIGN(campaign_id), "bodies_forgotten_at", "forget_from")
            pipe.exists(schema.RECORD(campaign_id))
        replies = pipe.execute()
        return {
            campaign_id: bool(compacted) or (since is not None and step is None)
            for campaign_id, (since, step), compacted in zip(campaign_ids, replies[::2], replies[1::2], strict=True)
        }

    def _record(self, campaign_id: str) -> Mapping[str, str] | None:
        raw = self._client.hgetall(schema.CAMPAIGN(campaign_id))
        if raw:
            return decoded(raw)
        campaign = self._compacted.campaign(campaign_id)
        return None if campaign is None else campaign.fields

    def _field(self, campaign_id: str, name: str) -> str | None:
        """Return a field of the campaign's record; None if it has none, or if the ledger does not know the campaign."""
        value = self._client.hget(schema.CAMPAIGN(campaign_id), name)
        if value is not None:
            return text_of(value)
        campaign = self._compacted.campaign(campaign_id)
        return None if campaign is None else campaign.fields.get(name)
