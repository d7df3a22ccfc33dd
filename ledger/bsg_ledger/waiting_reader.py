"""Read what campaigns wait for, in a few round trips for any number of campaigns."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import redis

from bsg_config.settings import Settings
from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.compacted_reading import CompactedReading
from bsg_ledger.cool_down import end_of
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.gate import gate_state
from bsg_ledger.keys import IN_USE_MS, is_lost
from bsg_ledger.record_parsing import batch_of
from bsg_ledger.records import Batch
from bsg_ledger.redis_clock import now_ms
from bsg_ledger.replies import typed
from bsg_ledger.scripts import decoded, text_of, texts_by_name
from bsg_ledger.states import BatchState
from bsg_ledger.times import to_datetime
from bsg_ledger.waiting import AccountFacts, Group, Wait
from bsg_ledger.waiting_facts import Head, campaign_facts, count_batches, group_of, outside_batches
from bsg_ledger.waiting_rules import foremost, waits

BATCHES_READ_SINGLY = 100
EVERY_BATCH = sys.maxsize
_BATCHES_AT_ONCE = 1000
_CAMPAIGNS_AT_ONCE = 100

_FIELDS = (
    "state", "size", "needs_operator", "operator_reason", "error", "not_before", "lease_until", "intent_at",
    "bsg_campaign_id", "bsg_status", "bsg_status_at", "other_bsg_campaign_ids",
)  # fmt: skip
_MAY_NEED_OPERATOR = (
    DueIndex.NEEDS_OPERATOR,
    DueIndex.DOUBT,
    DueIndex.PAUSED_AT_BSG,
    DueIndex.IN_MODERATION,
    DueIndex.SPAM_AT_BSG,
)
_LOOKED_AT_IN = {BatchState.UNCONFIRMED: "doubt", BatchState.SUBMITTED: "live", BatchState.FINISHED: "live"}


class WaitingReader:
    """Read for the accounts whose keys are in the settings. Methods raise `redis.exceptions.RedisError`."""

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._client = typed(client)
        self._compacted = CompactedReading(client)
        self._settings = settings

    def open_campaigns(self) -> list[str]:
        """Return the open campaigns of every account, the newest first."""
        return [text_of(name) for name in self._client.zrevrange(schema.OPEN(), 0, -1)]

    def waits_of(self, campaign_ids: Sequence[str], *, singly: int = BATCHES_READ_SINGLY) -> dict[str, list[Wait]]:
        """Return what each of these campaigns waits for, without those that the ledger does not know.

        In campaigns with more than `singly` batches, only batches that may need an operator are read. The others are
        counted.
        """
        now = to_datetime(now_ms(self._client))
        heads = self._heads(campaign_ids)
        accounts = self._accounts(heads, now)
        groups = self._groups(heads, singly)
        return {
            head.campaign_id: waits(campaign_facts(head, now), accounts[head.campaign_id], batches, now)
            for head, batches in zip(heads, groups, strict=True)
        }

    def foremost_of(self, campaign_ids: Sequence[str], *, singly: int = BATCHES_READ_SINGLY) -> dict[str, Wait]:
        """Return what keeps each of these campaigns from its end, without closed campaigns."""
        found: dict[str, Wait] = {}
        for first in range(0, len(campaign_ids), _CAMPAIGNS_AT_ONCE):
            some_ids = campaign_ids[first : first + _CAMPAIGNS_AT_ONCE]
            for name, some in self.waits_of(some_ids, singly=singly).items():
                if (wait := foremost(some)) is not None:
                    found[name] = wait
        return found

    def _heads(self, campaign_ids: Sequence[str]) -> list[Head]:
        pipe = self._client.pipeline(transaction=False)
        for campaign_id in campaign_ids:
            pipe.hgetall(schema.CAMPAIGN(campaign_id))
            pipe.zrange(schema.CAMPAIGN_DUE(campaign_id), 0, 0, withscores=True)
            pipe.zrange(schema.CHUNKS(campaign_id), 0, 0, withscores=True)
        replies = pipe.execute()
        records = self._compacted.fields(campaign_ids, replies[::3])
        heads = []
        for campaign_id, due, chunks in zip(campaign_ids, replies[1::3], replies[2::3], strict=True):
            if campaign_id in records:
                record = records[campaign_id]
                account = record.get("account") or None
                owner = self._settings.owning(account, record["account_name"])
                heads.append(
                    Head(campaign_id, record, _first(due), _first(chunks), owner.id if owner else account, owner)
                )
        return heads

    def _accounts(self, heads: Sequence[Head], now: datetime) -> dict[str, AccountFacts]:
        """Return the account's facts for each campaign, by campaign id."""
        known = sorted({head.account for head in heads if head.account is not None})
        pipe = self._client.pipeline(transaction=False)
        for account in known:
            pipe.hgetall(schema.GATE(account))
            pipe.get(schema.COOL_DOWN(account))
            pipe.exists(schema.LIMIT(account, "submit"))
            pipe.zcard(schema.ACCOUNT_LEASES(account))
        pipe.zrangebyscore(schema.ACCOUNT_KEYS(), int(now.timestamp() * 1000) - IN_USE_MS, "+inf")
        *found, noted = pipe.execute()
        replies = iter(found)
        states = {account: (next(replies), next(replies), next(replies), next(replies)) for account in known}
        in_use = {text_of(account) for account in noted}
        return {head.campaign_id: self._account_facts(head, states, in_use, now) for head in heads}

    def _account_facts(
        self, head: Head, states: Mapping[str, Any], in_use: Collection[str], now: datetime
    ) -> AccountFacts:
        name = head.record["account_name"]
        key_missing = head.owner is None and bool(self._settings.accounts)
        limit = str((head.owner or self._settings.account).bsg_rate_limit)
        if head.account is None:
            return AccountFacts(name, key_missing=key_missing, limit=limit)
        gate, cooled, limited, leases = states[head.account]
        return AccountFacts(
            name,
            key_missing=key_missing,
            key_lost=is_lost(in_use, self._settings, head.record.get("account") or None, name),
            gate=gate_state(decoded(gate)),
            cooling_until=end_of(cooled, now),
            busy=bool(limited or leases),
            limit=limit,
        )

    def _groups(self, heads: Sequence[Head], singly: int) -> list[list[Group]]:
        large = [head for head in heads if head.batches > singly]
        small = [head for head in heads if head.batches <= singly]
        ids = [BatchId.of(head.campaign_id, number) for head in small for number in range(head.batches)]
        batches = self._batches([*ids, *self._that_may_need_operator(large)])
        looks = self._looks(batches, {head.campaign_id: head.account for head in heads})
        groups: dict[str, list[Group]] = {head.campaign_id: list(outside_batches(head)) for head in heads}
        for batch in batches:
            groups[batch.id.campaign_id].append(group_of(batch, looks.get(batch.id)))
        for head in large:
            groups[head.campaign_id] += count_batches(head, without=groups[head.campaign_id])
        return [groups[head.campaign_id] for head in heads]

    def _that_may_need_operator(self, large: Sequence[Head]) -> list[BatchId]:
        """Return the batches of these campaigns that may need an operator, among the first ones of their accounts."""
        campaigns = {head.campaign_id for head in large}
        pipe = self._client.pipeline(transaction=False)
        for account in sorted({head.account for head in large if head.account is not None}):
            for index in _MAY_NEED_OPERATOR:
                pipe.zrange(schema.due_index(index, account), 0, _BATCHES_AT_ONCE - 1)
        found = dict.fromkeys(BatchId(text_of(member)) for members in pipe.execute() for member in members)
        return [batch for batch in found if batch.campaign_id in campaigns]

    def _batches(self, ids: Sequence[BatchId]) -> list[Batch]:
        """Return these batches, if they exist, with the fields that the rules need."""
        found: list[Batch] = []
        for first in range(0, len(ids), _BATCHES_AT_ONCE):
            some = ids[first : first + _BATCHES_AT_ONCE]
            pipe = self._client.pipeline(transaction=False)
            for batch in some:
                pipe.hmget(schema.BATCH(*batch.parts), _FIELDS)
            records: dict[BatchId, Mapping[str, str]] = {
                batch: record
                for batch, values in zip(some, pipe.execute(), strict=True)
                if (record := texts_by_name(_FIELDS, values))
            }
            records |= self._compacted.batches([batch for batch in some if batch not in records])
            found += [batch_of(batch, records[batch]) for batch in some if batch in records]
        return found

    def _looks(self, batches: Sequence[Batch], accounts: Mapping[str, str | None]) -> dict[str, datetime]:
        """Return the time of the next look-up at BSG for each of these batches."""
        members: dict[str, list[str]] = {}
        for batch in batches:
            index, account = _LOOKED_AT_IN.get(batch.state), accounts[batch.id.campaign_id]
            if index is not None and account is not None:
                members.setdefault(schema.due_index(index, account), []).append(batch.id)
        pipe = self._client.pipeline(transaction=False)
        for key, some in members.items():
            pipe.zmscore(key, some)
        return {
            member: to_datetime(score)
            for some, scores in zip(members.values(), pipe.execute(), strict=True)
            for member, score in zip(some, scores, strict=True)
            if score is not None
        }


def _first(members: Sequence[tuple[bytes, float]]) -> datetime | None:
    return to_datetime(members[0][1]) if members else None
