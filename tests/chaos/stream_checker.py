"""Holds what web apps know of each message of a stream against its campaigns, and against what arrived at BSG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bsg_ledger.ledger import Ledger
from bsg_messages.reference_ids import campaign_and_index, generated_id
from bsg_producer.streams.sending import digest
from tests.chaos.accounts import Account
from tests.chaos.findings import CheckResult, Fault, Finding, judge_message
from tests.chaos.journal import Enqueued
from tests.chaos.messages import ChaosMessage


@dataclass(frozen=True, slots=True)
class StreamSends:
    """What was tried through one stream. `known`: the ids of the ledger's messages by idempotency key."""

    name: str
    tried: Sequence[tuple[ChaosMessage, Enqueued]]
    known: Mapping[str, str]
    accounts: Sequence[Account]


def ids_by_key(ledger: Ledger, stream: str, messages: Iterable[ChaosMessage]) -> dict[str, str]:
    """Return the ids of the messages that the ledger has under their keys."""
    found = ((each.key, ledger.streams.message_with_key(stream, digest(each.key.encode()))) for each in messages)
    return {key: generated_id(*where) for key, where in found if where is not None}


def judge_stream(stream: StreamSends, unexplained: Counter[int], result: CheckResult) -> None:
    """Judge each key, and each message of the stream's campaigns. What arrived of them is taken from `unexplained`."""
    accounts = {account.campaign_id: account for account in stream.accounts}
    owners: dict[tuple[str, int], str] = {}
    for message, enqueued in stream.tried:
        message_id = stream.known.get(message.key)
        result.findings += _existence(message, enqueued, message_id)
        where = None if message_id is None else campaign_and_index(message_id)
        if where is None:
            continue
        if where in owners:
            what = f"{message.key} and {owners[where]} are one message"
            result.findings.append(Finding(Fault.LOST, what, where[0], phone=message.phone))
        owners[where] = message.key
        _judge(message, accounts.get(where[0]), where, unexplained.pop(message.phone, 0), result)
    for account in stream.accounts:
        result.stream_campaigns += 1
        result.messages += account.counts["accepted"]
        result.streamed += account.counts["accepted"]
        result.findings += _of_account(stream.name, account, owners)


def _existence(message: ChaosMessage, enqueued: Enqueued, message_id: str | None) -> Iterator[Finding]:
    key, receipt = message.key, enqueued.receipt
    if enqueued.failure is not None:
        yield Finding(Fault.MISREPORTED, f"{key}: send raised {enqueued.failure}", phone=message.phone)
    if message.must_be_refused and receipt is not None:
        yield Finding(Fault.MISREPORTED, f"{key} has a receipt, and had to be refused", phone=message.phone)
    if enqueued.refused and not message.must_be_refused:
        yield Finding(Fault.LOST, f"{key} was refused for no reason", phone=message.phone)
    if receipt is not None and message_id is None:
        yield Finding(Fault.LOST, f"{key} has a receipt, and the ledger does not know it", phone=message.phone)
    if receipt is not None and message_id not in (None, receipt):
        what = f"{key} has a receipt of {receipt}, and the ledger has {message_id}"
        yield Finding(Fault.DOUBLED, what, phone=message.phone)
    if message_id is not None and enqueued.refused:
        yield Finding(Fault.MISREPORTED, f"{key} exists, though it was refused", phone=message.phone)
    if message_id is not None and enqueued.certain_that_none:
        yield Finding(Fault.MISREPORTED, f"{key} exists, though every try failed for sure", phone=message.phone)
    if enqueued.is_open:
        yield Finding(Fault.IN_DOUBT, f"{key} got no receipt until the end", phone=message.phone)


def _judge(
    message: ChaosMessage, account: Account | None, where: tuple[str, int], times: int, result: CheckResult
) -> None:
    record = None if account is None else account.records.get(where[1])
    result.count_record(record)
    fault, what = judge_message(record, times)
    if fault is not None:
        batch = "" if record is None else record.batch
        result.findings.append(Finding(fault, f"{message.key} {what}", where[0], batch, message.phone))


def _of_account(stream: str, account: Account, owners: Mapping[tuple[str, int], str]) -> Iterator[Finding]:
    """A message that a key does not name was accepted twice, or for nobody."""
    accepted = account.counts["accepted"]
    if account.unaccounted:
        what = f"its counts and its messages differ by {account.unaccounted}"
        yield Finding(Fault.MISREPORTED, what, account.campaign_id)
    for index in account.twice:
        yield Finding(Fault.MISREPORTED, f"message {index} of {stream} occurs twice", account.campaign_id)
    for index in sorted(account.records.keys() | set(range(accepted))):
        if index >= accepted:
            yield Finding(Fault.MISREPORTED, f"message {index} of {stream} was never accepted", account.campaign_id)
        elif (account.campaign_id, index) not in owners:
            yield Finding(Fault.DOUBLED, f"message {index} of {stream} has no key that was tried", account.campaign_id)
