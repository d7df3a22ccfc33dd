"""Decide what messages wait for: by the first rule that fits. Together the rules cover every state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bsg_ledger.states import NeedsOperator
from bsg_ledger.waiting import AccountFacts, CampaignFacts, Group, Wait, WaitReason

MODERATED_FOR = timedelta(hours=1)  # longer than that is urgent
UNTAKEN_AFTER = timedelta(seconds=30)  # the sweep runs every second, and relies on a wake-up for half a minute
_OPERATOR_REASONS = {
    NeedsOperator.DOUBT: WaitReason.OPERATOR_DECIDES,
    NeedsOperator.LOST: WaitReason.LOST_AT_BSG,
    NeedsOperator.UNREAD: WaitReason.UNREAD_AT_BSG,
    NeedsOperator.UNSTOPPED: WaitReason.UNSTOPPED,
}
_OPEN = frozenset({"unprepared", "pending", "posting", "unconfirmed", "submitted"})
_ORDER = {reason: rank for rank, reason in enumerate(WaitReason)}


@dataclass(frozen=True, slots=True)
class _Case:
    """One group with everything that its reason can depend on."""

    group: Group
    campaign: CampaignFacts
    account: AccountFacts
    now: datetime

    @property
    def unsent(self) -> bool:
        return self.group.state in ("unprepared", "pending")

    @property
    def due_later(self) -> datetime | None:
        due = self.group.due
        return due if due is not None and due > self.now else None


@dataclass(frozen=True, slots=True)
class _Found:
    reason: WaitReason
    cause: str = ""
    until: datetime | None = None
    since: datetime | None = None


_Rule = Callable[[_Case], _Found | None]


def waits(campaign: CampaignFacts, account: AccountFacts, groups: Iterable[Group], now: datetime) -> list[Wait]:
    """Return what the campaign waits for, the most urgent first. Messages with the same text are grouped."""
    if cause := campaign.unreadable_record:
        return [
            Wait(WaitReason.UNREADABLE_RECORD, campaign.campaign_id, campaign.account_name, messages=0, cause=cause)
        ]
    together: dict[tuple[object, ...], Wait] = {}
    for group in groups:
        if group.messages:
            one = _wait(_Case(group, campaign, account, now))
            before = together.get(one._alike)
            together[one._alike] = one if before is None else _joined(before, one)
    return sorted(together.values(), key=lambda one: _ORDER[one.reason])


def foremost(found: Sequence[Wait]) -> Wait | None:
    """Return the wait that keeps the campaign from its end; None if nothing is left to do."""
    return next((one for one in found if not one.reason.final), None)


def most_urgent(found: Iterable[Wait]) -> Wait | None:
    """Return the most urgent of these waits of several campaigns; None if there is none."""
    return min(found, key=lambda one: _ORDER[one.reason], default=None)


def _wait(case: _Case) -> Wait:
    found = next(found for rule in _RULES if (found := rule(case)) is not None)
    group = case.group
    return Wait(
        reason=found.reason,
        campaign_id=case.campaign.campaign_id,
        account_name=case.campaign.account_name,
        messages=group.messages,
        batches=group.batches,
        batch_ids=group.batch_ids,
        stream=case.campaign.stream,
        cause=found.cause,
        until=found.until,
        since=found.since,
        bsg_campaign_id=group.bsg_campaign_id,
        others=group.others,
    )


def _joined(first: Wait, second: Wait) -> Wait:
    return replace(
        first,
        messages=first.messages + second.messages,
        batches=first.batches + second.batches,
        batch_ids=first.batch_ids + second.batch_ids,
        until=_earlier(first.until, second.until),
        since=_earlier(first.since, second.since),
    )


def _earlier(first: datetime | None, second: datetime | None) -> datetime | None:
    return min((one for one in (first, second) if one is not None), default=None)


# The rules. The first that fits decides; together they cover every state.


def _needs_operator(case: _Case) -> _Found | None:
    group = case.group
    if not group.needs_operator:
        return None
    reason = _OPERATOR_REASONS[group.needs_operator]
    if reason is WaitReason.OPERATOR_DECIDES:
        cause = "; ".join(filter(None, (group.error, group.operator_reason)))
        return _Found(reason, cause, since=group.intent_at)
    return _Found(reason, group.error)


def _paused(case: _Case) -> _Found | None:
    campaign = case.campaign
    if not case.unsent or not campaign.paused:
        return None
    if campaign.paused_by_max_cost:
        return _Found(WaitReason.MAX_COST, campaign.paused_by_max_cost)
    return _Found(WaitReason.PAUSED)


def _key_lost(case: _Case) -> _Found | None:
    open_ = case.group.state in _OPEN
    return _Found(WaitReason.LOST_KEY) if open_ and case.account.key_lost else None


def _key_missing(case: _Case) -> _Found | None:
    return _Found(WaitReason.NO_KEY) if case.unsent and case.account.key_missing else None


def _past_deadline(case: _Case) -> _Found | None:
    return _Found(WaitReason.PAST_DEADLINE) if case.unsent and case.campaign.deadline <= case.now else None


def _unreadable(case: _Case) -> _Found | None:
    cause = case.campaign.unreadable
    return _Found(WaitReason.UNREADABLE, cause, until=case.due_later) if case.unsent and cause else None


def _gate(case: _Case) -> _Found | None:
    gate = case.account.gate
    if not case.unsent or gate is None or gate.open:
        return None
    reason = WaitReason.HALF_OPEN if gate.half_open else WaitReason.GATE
    return _Found(reason, gate.reason, until=gate.next_probe, since=gate.since)


def _cool_down(case: _Case) -> _Found | None:
    until = case.account.cooling_until
    if case.group.state != "pending" or until is None or until <= case.now:
        return None
    return _Found(WaitReason.COOL_DOWN, until=until)


def _max_cost_per_day(case: _Case) -> _Found | None:
    campaign = case.campaign
    if case.group.state != "pending" or campaign.max_cost_until is None or campaign.max_cost_until <= case.now:
        return None
    return _Found(WaitReason.MAX_COST_PER_DAY, campaign.max_cost_per_day, until=campaign.max_cost_until)


def _sending_hours(case: _Case) -> _Found | None:
    opening = case.campaign.opening
    if case.group.state != "pending" or opening is None or opening <= case.now:
        return None
    return _Found(WaitReason.SENDING_HOURS, until=opening)


def _price(case: _Case) -> _Found | None:
    return _Found(WaitReason.PRICE) if case.group.state == "pending" and case.campaign.awaits_price else None


def _no_worker(case: _Case) -> _Found | None:
    due, gate = case.group.due, case.account.gate
    if not case.unsent or case.account.busy is not False or due is None:
        return None
    since = due if gate is None or gate.since is None else max(due, gate.since)  # a shut gate stops all work
    return _Found(WaitReason.NO_WORKER, since=since) if case.now - since >= UNTAKEN_AFTER else None


def _backoff(case: _Case) -> _Found | None:
    if case.group.state != "pending" or case.due_later is None or not case.group.error:
        return None
    return _Found(WaitReason.BACKOFF, case.group.error, until=case.due_later)


def _paused_at_bsg(case: _Case) -> _Found | None:
    group = case.group
    if group.state != "submitted" or group.bsg_status != "paused" or case.campaign.cancelled:
        return None
    return _Found(WaitReason.PAUSED_AT_BSG, since=group.bsg_status_at)


def _moderation(case: _Case) -> _Found | None:
    group = case.group
    if group.state != "submitted" or group.bsg_status != "moderation" or case.campaign.cancelled:
        return None
    if group.bsg_status_at is None or case.now - group.bsg_status_at < MODERATED_FOR:
        return None
    return _Found(WaitReason.MODERATION, since=group.bsg_status_at)


def _stopping(case: _Case) -> _Found | None:
    if case.group.state != "submitted" or not case.campaign.cancelled:
        return None
    return _Found(WaitReason.STOPPING, case.group.bsg_status)


def _spam(case: _Case) -> _Found | None:
    return _Found(WaitReason.SPAM) if case.group.state == "finished" and case.group.bsg_status == "spam" else None


def _scheduled(case: _Case) -> _Found | None:
    start_at = case.campaign.start_at
    if case.group.state != "submitted" or start_at is None or start_at <= case.now:
        return None
    return _Found(WaitReason.SCHEDULED, case.group.bsg_status, until=start_at)


def _by_state(case: _Case) -> _Found:
    group = case.group
    match group.state:
        case "unprepared":
            return _Found(WaitReason.PREPARE)
        case "pending":
            return _Found(WaitReason.RATE_LIMIT, case.account.limit, until=case.due_later)
        case "posting":
            return _Found(WaitReason.ON_THE_WIRE, until=group.lease_until)
        case "unconfirmed":
            return _Found(WaitReason.DOUBT, group.error, until=group.look)
        case "submitted":
            return _Found(WaitReason.AT_BSG, group.bsg_status, until=group.look)
        case "finished" if group.look is not None:
            return _Found(WaitReason.LATE_REPORTS, until=group.look)
        case "refused":
            return _Found(WaitReason.REFUSED, group.error)
        case state:
            return _Found(WaitReason(state))  # finished, cancelled, expired, rejected


_RULES: tuple[_Rule, ...] = (
    _needs_operator,
    _key_lost,
    _paused,
    _key_missing,
    _past_deadline,
    _unreadable,
    _gate,
    _cool_down,
    _max_cost_per_day,
    _sending_hours,
    _price,
    _no_worker,
    _backoff,
    _paused_at_bsg,
    _moderation,
    _stopping,
    _spam,
    _scheduled,
    _by_state,
)
