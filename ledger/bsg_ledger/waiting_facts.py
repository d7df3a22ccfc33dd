"""Read the facts for the waiting rules from the ledger's records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bsg_config.account import Account
from bsg_ledger.record_parsing import options_of, start_at_of
from bsg_ledger.records import Batch
from bsg_ledger.states import BatchState
from bsg_ledger.times import to_datetime
from bsg_ledger.waiting import CampaignFacts, Group
from bsg_messages.sending_hours import SendingHours

UNREADABLE_FOR = timedelta(minutes=3)  # workers retry unreadable messages once a minute


@dataclass(frozen=True, slots=True)
class Head:
    """A campaign's record, and the due indexes that contain it."""

    campaign_id: str
    record: Mapping[str, str]
    first_due: datetime | None
    first_chunk: datetime | None
    account: str | None  # its account, or the one it is expected to get
    owner: Account | None

    @property
    def batches(self) -> int:
        return int(self.record.get("next_batch", 0))


def campaign_facts(head: Head, now: datetime) -> CampaignFacts:
    record = head.record
    options = options_of(record)
    unreadable_at = _time(record, "unreadable_at")
    held_by_day_cost = record.get("held_for") == "max_cost_per_day"
    return CampaignFacts(
        campaign_id=head.campaign_id,
        account_name=record["account_name"],
        deadline=to_datetime(int(record["deadline"])),
        stream=record.get("stream", ""),
        cancelled=record.get("cancelled") == "1",
        paused=record.get("paused") == "1",
        paused_by_max_cost=record.get("capped", ""),
        max_cost_per_day=record["max_cost_per_day"] if held_by_day_cost else "",
        max_cost_until=_time(record, "held_until") if held_by_day_cost else None,
        start_at=start_at_of(record),
        awaits_price=_awaits_price(record),
        unreadable=record.get("unreadable", "")
        if unreadable_at is not None and now - unreadable_at < UNREADABLE_FOR
        else "",
        unreadable_record=record.get("unreadable_record", ""),
        opening=_opening(options.get("send_between"), now, head.first_due or now),
    )


def _awaits_price(record: Mapping[str, str]) -> bool:
    """Return whether the first batch has to show a message's price, as in lua/shared/price.lua and day_cost.lua."""
    if record.get("held_for") == "price" and record.get("max_cost_per_day"):
        return True
    on_the_way = ("posting", "unconfirmed", "submitted")
    return (
        bool(record.get("max_cost"))
        and int(record.get("priced", 0)) == 0
        and any(int(record.get(f"messages:{state}", 0)) for state in on_the_way)
    )


def _opening(send_between: Any, now: datetime, due: datetime) -> datetime | None:
    """Return when the sending hours open that work due at `due` waits for; None if it does not wait for them."""
    with suppress(TypeError, ValueError):
        hours = SendingHours.parse(send_between, ZoneInfo("UTC"))
        return max((at for one in (now, due) if (at := hours.opening(one)) > one), default=None)
    return None


def outside_batches(head: Head) -> Iterator[Group]:
    for state in ("unprepared", "rejected"):
        yield Group(state, int(head.record.get(f"messages:{state}", 0)), due=head.first_chunk)


def group_of(batch: Batch, look: datetime | None) -> Group:
    return Group(
        state=batch.state,
        messages=batch.size,
        batches=1,
        batch_ids=(batch.id,),
        needs_operator=batch.needs_operator,
        operator_reason=batch.operator_reason or "",
        error=batch.error or "",
        due=batch.not_before,
        lease_until=batch.lease_until,
        look=look,
        intent_at=batch.intent_at,
        bsg_campaign_id=batch.bsg_campaign_id,
        bsg_status=batch.bsg_status or "",
        bsg_status_at=batch.bsg_status_at,
        others=tuple(batch.other_bsg_campaign_ids),
    )


def count_batches(head: Head, *, without: Sequence[Group]) -> Iterator[Group]:
    """Yield groups for the batches that are not read singly. A batch that moves meanwhile keeps its old state."""
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
