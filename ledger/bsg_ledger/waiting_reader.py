"""Reads what campaigns wait for, in a few round trips however many campaigns there are."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import redis

from bsg_config.settings import Settings
from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.cool_down import end_of
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.gate import gate_state
from bsg_ledger.keys import IN_USE_MS, is_lost
from bsg_ledger.redis_clock import now_ms
from bsg_ledger.scripts import decoded, text_of
from bsg_ledger.states import BatchState
from bsg_ledger.times import to_datetime
from bsg_ledger.waiting import AccountFacts, CampaignFacts, Group, Wait, foremost, waits
from bsg_messages.sending_hours import SendingHours

BATCHES_READ_SINGLY = 100
EVERY_BATCH = sys.maxsize
UNREADABLE_FOR = timedelta(minutes=3)  # workers try what they cannot read once a minute
_BATCHES_AT_ONCE = 1000
_CAMPAIGNS_AT_ONCE = 100

_FIELDS = (
    "state", "size", "needs_operator", "operator_reason", "error", "not_before", "lease_until", "intent_at",
    "bsg_campaign_id", "bsg_status", "bsg_status_at", "other_bsg_campaign_ids",
)  # fmt: skip
_NEED_SOMEBODY = (
    DueIndex.NEEDS_OPERATOR,
    DueIndex.DOUBT,
    DueIndex.PAUSED_AT_BSG,
    DueIndex.IN_MODERATION,
    DueIndex.SPAM_AT_BSG,
)
_LOOKED_AT_IN = {BatchState.UNCONFIRMED: "doubt", BatchState.SUBMITTED: "live", BatchState.FINISHED: "live"}


@dataclass(frozen=True, slots=True)
class _Head:
    """A campaign's record and the due indexes that have something of it."""

    campaign_id: str
    record: Mapping[str, str]
    first_due: datetime | None
    first_chunk: datetime | None
    account: str | None  # that it is of, or will be of as far as is known here
    owner: Settings | None

    @property
    def batches(self) -> int:
        return int(self.record.get("next_batch", 0))


class WaitingReader:
    """For the accounts whose keys are in the settings. Methods raise `redis.exceptions.RedisError`."""

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._client: Any = client  # redis-py types its replies as all that they might be
        self._settings = settings

    def open_campaigns(self) -> list[str]:
        """Return the campaigns of which something is left to do, of every account, the newest first."""
        found = self._client.zdiff([schema.CAMPAIGNS(), schema.CLOSED()], withscores=True)
        by_age = sorted(zip(found[::2], found[1::2], strict=True), key=lambda one: -float(one[1]))
        return [text_of(name) for name, _ in by_age]

    def waits_of(self, campaign_ids: Sequence[str], *, singly: int = BATCHES_READ_SINGLY) -> dict[str, list[Wait]]:
        """Return what each of these campaigns waits for, without those that the ledger does not know.

        Of campaigns with more than `singly` batches only those are read that need somebody, and the others counted.
        """
        now = to_datetime(now_ms(self._client))
        heads = self._heads(campaign_ids)
        accounts = self._accounts(heads, now)
        groups = self._groups(heads, singly)
        return {
            head.campaign_id: waits(_campaign_facts(head, now), accounts[head.campaign_id], batches, now)
            for head, batches in zip(heads, groups, strict=True)
        }

    def foremost_of(self, campaign_ids: Sequence[str], *, singly: int = BATCHES_READ_SINGLY) -> dict[str, Wait]:
        """Return what keeps each of these campaigns from its end, without those of which nothing is left to do."""
        found: dict[str, Wait] = {}
        for first in range(0, len(campaign_ids), _CAMPAIGNS_AT_ONCE):
            some_ids = campaign_ids[first : first + _CAMPAIGNS_AT_ONCE]
            for name, some in self.waits_of(some_ids, singly=singly).items():
                if (wait := foremost(some)) is not None:
                    found[name] = wait
        return found

    def _heads(self, campaign_ids: Sequence[str]) -> list[_Head]:
        pipe = self._client.pipeline(transaction=False)
        for campaign_id in campaign_ids:
            pipe.hgetall(schema.CAMPAIGN(campaign_id))
            pipe.zrange(schema.CAMPAIGN_DUE(campaign_id), 0, 0, withscores=True)
            pipe.zrange(schema.CHUNKS(campaign_id), 0, 0, withscores=True)
        replies = pipe.execute()
        heads = []
        for campaign_id, raw, due, chunks in zip(campaign_ids, replies[::3], replies[1::3], replies[2::3], strict=True):
            if raw:
                record = decoded(raw)
                account = record.get("account") or None
                owner = self._settings.owning(account, record["account_name"])
                heads.append(
                    _Head(campaign_id, record, _first(due), _first(chunks), owner.account if owner else account, owner)
                )
        return heads

    def _accounts(self, heads: Sequence[_Head], now: datetime) -> dict[str, AccountFacts]:
        """By campaign."""
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
        self, head: _Head, states: Mapping[str, Any], in_use: Collection[str], now: datetime
    ) -> AccountFacts:
        name = head.record["account_name"]
        key_missing = head.owner is None and bool(self._settings.accounts)
        limit = str((head.owner or self._settings).bsg_rate_limit)
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

    def _groups(self, heads: Sequence[_Head], singly: int) -> list[list[Group]]:
        large = [head for head in heads if head.batches > singly]
        names = [(head, number) for head in heads if head.batches <= singly for number in range(head.batches)]
        names += self._needing_somebody(large)
        records = self._batch_records(names)
        looks = self._looks(names, records)
        groups: dict[str, list[Group]] = {head.campaign_id: list(_outside_batches(head)) for head in heads}
        for (head, number), record in zip(names, records, strict=True):
            if record.get("state"):
                groups[head.campaign_id].append(_group(head, number, record, looks))
        for head in large:
            groups[head.campaign_id] += _counted(head, without=groups[head.campaign_id])
        return [groups[head.campaign_id] for head in heads]

    def _needing_somebody(self, large: Sequence[_Head]) -> list[tuple[_Head, int]]:
        """Return the batches of these campaigns that need somebody, as far as they are among the first of their
        accounts."""
        heads = {head.campaign_id: head for head in large}
        pipe = self._client.pipeline(transaction=False)
        for account in sorted({head.account for head in large if head.account is not None}):
            for index in _NEED_SOMEBODY:
                pipe.zrange(schema.due_index(index, account), 0, _BATCHES_AT_ONCE - 1)
        found = {BatchId(text_of(member)): None for members in pipe.execute() for member in members}
        return [(heads[batch.campaign_id], batch.number) for batch in found if batch.campaign_id in heads]

    def _batch_records(self, names: Sequence[tuple[_Head, int]]) -> list[dict[str, str]]:
        records: list[dict[str, str]] = []
        for first in range(0, len(names), _BATCHES_AT_ONCE):
            pipe = self._client.pipeline(transaction=False)
            for head, number in names[first : first + _BATCHES_AT_ONCE]:
                pipe.hmget(schema.BATCH(head.campaign_id, number), _FIELDS)
            records += [
                {name: text_of(value) for name, value in zip(_FIELDS, values, strict=True) if value is not None}
                for values in pipe.execute()
            ]
        return records

    def _looks(self, names: Sequence[tuple[_Head, int]], records: Sequence[Mapping[str, str]]) -> dict[str, datetime]:
        """Return when BSG is asked about each of these batches next."""
        members: dict[str, list[str]] = {}
        for (head, number), record in zip(names, records, strict=True):
            index = _LOOKED_AT_IN.get(BatchState(record["state"])) if record.get("state") else None
            if index is not None and head.account is not None:
                members.setdefault(schema.due_index(index, head.account), []).append(
                    BatchId.of(head.campaign_id, number)
                )
        pipe = self._client.pipeline(transaction=False)
        for key, some in members.items():
            pipe.zmscore(key, some)
        return {
            member: to_datetime(score)
            for some, scores in zip(members.values(), pipe.execute(), strict=True)
            for member, score in zip(some, scores, strict=True)
            if score is not None
        }


def _campaign_facts(head: _Head, now: datetime) -> CampaignFacts:
    record = head.record
    options = _options(record)
    unreadable_at = _time(record, "unreadable_at")
    return CampaignFacts(
        campaign_id=head.campaign_id,
        account_name=record["account_name"],
        deadline=to_datetime(int(record["deadline"])),
        cancelled=record.get("cancelled") == "1",
        paused=record.get("paused") == "1",
        paused_by_max_cost=record.get("capped", ""),
        start_at=start_at(record),
        awaits_price=_awaits_price(record),
        unreadable=record.get("unreadable", "")
        if unreadable_at is not None and now - unreadable_at < UNREADABLE_FOR
        else "",
        opening=_opening(options.get("send_between"), now, head.first_due or now),
    )


def _awaits_price(record: Mapping[str, str]) -> bool:
    """Return whether the first batch has to show what a message costs, as lua/shared/price.lua has it."""
    on_the_way = ("posting", "unconfirmed", "submitted")
    return (
        bool(record.get("max_cost"))
        and int(record.get("priced", 0)) == 0
        and any(int(record.get(f"messages:{state}", 0)) for state in on_the_way)
    )


def start_at(record: Mapping[str, str]) -> datetime | None:
    """Return when BSG is to begin with the campaign; None: at once."""
    with suppress(TypeError, ValueError):
        return datetime.fromisoformat(_options(record)["start_at"])
    return None


def _options(record: Mapping[str, str]) -> dict[str, Any]:
    """Return what the campaign says once for all its messages; nothing of what somebody else wrote."""
    with suppress(ValueError):
        found = json.loads(record.get("options", ""))
        if isinstance(found, dict):
            return {"start_at": None, "send_between": None, **found}
    return {"start_at": None, "send_between": None}


def _opening(send_between: Any, now: datetime, due: datetime) -> datetime | None:
    """Return when the hours begin that something waits for which is due then; None: they are not what it waits for."""
    with suppress(TypeError, ValueError):
        hours = SendingHours.parse(send_between, ZoneInfo("UTC"))
        return max((at for one in (now, due) if (at := hours.opening(one)) > one), default=None)
    return None


def _outside_batches(head: _Head) -> Iterator[Group]:
    for state in ("unprepared", "rejected"):
        yield Group(state, int(head.record.get(f"messages:{state}", 0)), due=head.first_chunk)


def _group(head: _Head, number: int, record: Mapping[str, str], looks: Mapping[str, datetime]) -> Group:
    name = BatchId.of(head.campaign_id, number)
    return Group(
        state=record["state"],
        messages=int(record["size"]),
        batches=1,
        batch_ids=(name,),
        needs_operator=record.get("needs_operator", ""),
        operator_reason=record.get("operator_reason", ""),
        error=record.get("error", ""),
        due=_time(record, "not_before"),
        lease_until=_time(record, "lease_until"),
        look=looks.get(name),
        intent_at=_time(record, "intent_at"),
        bsg_campaign_id=int(record["bsg_campaign_id"]) if record.get("bsg_campaign_id") else None,
        bsg_status=record.get("bsg_status", ""),
        bsg_status_at=_time(record, "bsg_status_at"),
        others=tuple(int(other) for other in record.get("other_bsg_campaign_ids", "").split(",") if other),
    )


def _counted(head: _Head, *, without: Sequence[Group]) -> Iterator[Group]:
    """Return those that are not read singly. What has moved between two reads is counted where it was."""
    for state in BatchState:
        read = [group for group in without if group.state == state]
        yield Group(
            state,
            max(0, int(head.record.get(f"messages:{state}", 0)) - sum(group.messages for group in read)),
            max(0, int(head.record.get(f"batches:{state}", 0)) - len(read)),
            due=head.first_due,
        )


def _time(record: Mapping[str, str], name: str) -> datetime | None:
    return to_datetime(int(record[name])) if record.get(name) else None


def _first(members: Sequence[tuple[bytes, float]]) -> datetime | None:
    return to_datetime(members[0][1]) if members else None
