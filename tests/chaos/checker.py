"""Holds what the ledger says of each message against what arrived at BSG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tests.chaos.accounts import Account
from tests.chaos.campaigns import ChaosCampaign
from tests.chaos.findings import CheckResult, Fault, Finding, judge_message
from tests.chaos.journal import Enqueued
from tests.chaos.stops import TimeToStop, judge_stops
from tests.chaos.stream_checker import StreamSends, judge_stream


def judge(
    tried: Iterable[tuple[ChaosCampaign, Enqueued]],
    accounts: Mapping[str, list[Account]],
    arrivals: Mapping[int, int],
    time_to_stop: TimeToStop,
    streams: Iterable[StreamSends] = (),
) -> CheckResult:
    """Judge a run.

    `accounts` are the ledger's campaigns by name (the idempotency key), `arrivals` how often each phone arrived.
    The campaigns of `streams` are not among the accounts.
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
            judge_stops(account, time_to_stop, result)
    for name in accounts.keys() - names:
        result.findings.append(Finding(Fault.UNKNOWN, f"campaign {name}, which no producer tried to enqueue"))
    for stream in streams:
        judge_stream(stream, unexplained, result)
        for account in stream.accounts:
            judge_stops(account, time_to_stop, result)
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
    if enqueued.is_open:
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
        result.count_record(record)
        times = unexplained.pop(campaign.phone(index), 0)
        fault, what = judge_message(record, times, must_be_rejected=campaign.is_bad(index))
        if fault is not None:
            found(fault, f"message {index} {what}", index, "" if record is None else record.batch)
