"""Holds what the ledger says of each message against what arrived at BSG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bsg_ledger.states import BatchState
from tests.chaos.accounts import Account, Record
from tests.chaos.campaigns import ChaosCampaign
from tests.chaos.journal import Enqueued

# BSG can obey so long after the ledger knows both the cancel and the BSG campaign: faults last a few seconds each.
TIME_TO_STOP = timedelta(seconds=25)
ENDED_UNSENT = frozenset({"rejected", BatchState.REFUSED, BatchState.CANCELLED, BatchState.EXPIRED})


class Fault(StrEnum):
    LOST = "lost"  # finished or nowhere in the ledger, and it did not arrive
    DOUBLED = "doubled"  # it arrived more than once
    MISREPORTED = "misreported"  # the ledger says that it was not sent, and it arrived; or it gives no reason
    IN_DOUBT = "in doubt"  # not final when the timeout of the healing was over
    UNKNOWN = "unknown"  # it arrived, and no campaign has it
    SENT_AFTER_CANCEL = "sent after a cancel"  # though BSG could still have obeyed a stop


@dataclass(frozen=True, slots=True)
class Finding:
    fault: Fault
    what: str
    campaign_id: str = ""
    batch: str = ""
    phone: int | None = None


@dataclass(slots=True)
class CheckResult:
    """What a run came to. Messages are those of campaigns with a receipt, and of others that turned out to exist."""

    campaigns: int = 0
    messages: int = 0
    arrived: int = 0
    stopped: int = 0
    by_state: Counter[str] = field(default_factory=Counter)
    rejected_because: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def count(self, fault: Fault) -> int:
        return sum(finding.fault is fault for finding in self.findings)

    @property
    def proves_the_promise(self) -> bool:
        return not self.findings and self.messages > 0


def judge(
    tried: Iterable[tuple[ChaosCampaign, Enqueued]],
    accounts: Mapping[str, list[Account]],
    arrivals: Mapping[int, int],
    stoppable_until: Mapping[int, datetime],
) -> CheckResult:
    """Judge a run.

    `accounts` are the ledger's campaigns by name (the idempotency key), `arrivals` how often each phone arrived,
    `stoppable_until` until when BSG could obey a stop of a campaign of its own; those without one are not judged by it.
    """
    result = CheckResult(arrived=sum(arrivals.values()))
    unexplained = Counter(arrivals)
    names: set[str] = set()
    for campaign, enqueued in tried:
        names.add(campaign.key)
        existing = accounts.get(campaign.key, [])
        result.findings += _existence(campaign, enqueued, existing)
        for account in existing[:1]:
            result.campaigns += 1
            _judge_messages(campaign, account, unexplained, result)
            _judge_stops(account, stoppable_until, result)
    for name in accounts.keys() - names:
        result.findings.append(Finding(Fault.UNKNOWN, f"campaign {name}, which no producer tried to enqueue"))
    for phone, times in unexplained.items():
        if times:
            result.findings.append(Finding(Fault.UNKNOWN, f"arrived {times} times, of no campaign", phone=phone))
    return result


def _existence(campaign: ChaosCampaign, enqueued: Enqueued, existing: list[Account]) -> Iterable[Finding]:
    ids = [account.campaign_id for account in existing]
    if enqueued.failure is not None:
        yield Finding(Fault.MISREPORTED, f"{campaign.key}: enqueue raised {enqueued.failure}")
    if len(ids) > 1:
        yield Finding(Fault.DOUBLED, f"{campaign.key} is {len(ids)} campaigns: {', '.join(ids)}", ids[0])
    if enqueued.receipt is not None and enqueued.receipt not in ids:
        yield Finding(Fault.LOST, f"{campaign.key} has a receipt of {enqueued.receipt}, and the ledger has {ids}")
    if enqueued.certain_that_none and ids:
        yield Finding(Fault.MISREPORTED, f"{campaign.key} exists, though every try failed for sure", ids[0])
    if enqueued.receipt is None and not enqueued.given_up:
        yield Finding(Fault.IN_DOUBT, f"{campaign.key} got no receipt until the end")


def _judge_messages(campaign: ChaosCampaign, account: Account, unexplained: Counter[int], result: CheckResult) -> None:
    result.messages += campaign.size

    def found(fault: Fault, what: str, index: int | None = None, batch: str = "") -> None:
        phone = None if index is None else campaign.phone(index)
        result.findings.append(Finding(fault, what, account.campaign_id, batch, phone))

    if account.counts["accepted"] != campaign.size:
        found(Fault.LOST, f"{account.counts['accepted']} of {campaign.size} messages were accepted")
    if account.unaccounted:
        found(Fault.MISREPORTED, f"its counts and its messages differ by {account.unaccounted}")
    for index in account.twice:
        found(Fault.MISREPORTED, f"message {index} occurs twice", index)
    for index in range(campaign.size):
        record = account.records.get(index)
        times = unexplained.pop(campaign.phone(index), 0)
        if record is not None:
            result.by_state[record.state] += 1
            if record.state == "rejected":
                result.rejected_because[record.reason] += 1
        fault, what = _of_message(record, times, must_be_rejected=campaign.is_bad(index))
        if fault is not None:
            found(fault, f"message {index} {what}", index, "" if record is None else record.batch)


def _judge_stops(account: Account, stoppable_until: Mapping[int, datetime], result: CheckResult) -> None:
    status = account.status
    if status is None or not status.cancelled:
        return
    cancelled_at = max(each.when for each in status.transitions if not each.batch and each.to_state == "cancelling")
    for batch in status.batches:
        result.stopped += batch.bsg_status == "stopped"
        sends_at = stoppable_until.get(batch.bsg_campaign_id or 0)
        if sends_at is None:
            continue
        submitted = (each for each in status.transitions if each.batch == batch.id and each.to_state == "submitted")
        known_at = max((each.when for each in submitted), default=cancelled_at)
        time_left = sends_at - max(cancelled_at, known_at)
        if batch.bsg_status == "done" and time_left >= TIME_TO_STOP:
            what = f"BSG sent campaign {batch.bsg_campaign_id}, with {time_left.total_seconds():.0f} s left to stop it"
            result.findings.append(Finding(Fault.SENT_AFTER_CANCEL, what, account.campaign_id, batch.id))


def _of_message(record: Record | None, times: int, *, must_be_rejected: bool) -> tuple[Fault | None, str]:
    if times > 1:
        return Fault.DOUBLED, f"arrived {times} times"
    if record is None:
        return Fault.LOST, "stands nowhere in the ledger"
    if must_be_rejected and record.state not in ENDED_UNSENT:
        return Fault.MISREPORTED, f"breaks a rule and is {record.state}"
    if record.state in ENDED_UNSENT:
        if times:
            return Fault.MISREPORTED, f"is {record.state} ({record.reason}) and arrived"
        return (None, "") if record.reason else (Fault.MISREPORTED, f"is {record.state} for no reason")
    if record.state != BatchState.FINISHED:
        return Fault.IN_DOUBT, f"is {record.state} ({record.reason})"
    return (None, "") if times == 1 else (Fault.LOST, "is finished and did not arrive")
