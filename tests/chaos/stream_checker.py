"""Holds what web apps know of each message of a stream against its campaigns, and against what arrived at BSG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bsg_ledger.ledger import Ledger
from bsg_messages.reference_ids import campaign_and_index
from bsg_producer.streams.sending import digest
from tests.chaos.accounts import Account
from tests.chaos.findings import CheckResult, Fault, Finding, judge_message
from tests.chaos.journal import Enqueued
from tests.chaos.messages import ChaosMessage

Position = tuple[str, int]  # a campaign, and the index of a message in it


@dataclass(frozen=True, slots=True)
class StreamSends:
    """What was tried through one stream. `known`: where the ledger has the message of an idempotency key."""

    name: str
    tried: Sequence[tuple[ChaosMessage, Enqueued]]
    known: Mapping[str, Position]
    accounts: Sequence[Account]


def positions_by_key(ledger: Ledger, stream: str, messages: Iterable[ChaosMessage]) -> dict[str, Position]:
    """Return where the messages are that the ledger knows by their keys."""
    found = ((each.key, ledger.streams.message_with_key(stream, digest(each.key.encode()))) for each in messages)
    return {key: position for key, known in found if known and (position := campaign_and_index(known)) is not None}


def judge_stream(stream: StreamSends, unexplained: Counter[int], result: CheckResult) -> None:
    """Judge each key, and each message of the stream's campaigns. What arrived of them is taken from `unexplained`."""
    accounts = {account.campaign_id: account for account in stream.accounts}
    owners: dict[Position, str] = {}
    for message, enqueued in stream.tried:
        position = stream.known.get(message.key)
        result.findings += _existence(message, enqueued, position)
        if position is None:
            continue
        if position in owners:
            what = f"{message.key} and {owners[position]} are one message"
            result.findings.append(Finding(Fault.LOST, what, position[0], phone=message.phone))
        owners[position] = message.key
        _judge(message, accounts.get(position[0]), position, unexplained.pop(message.phone, 0), result)
    for account in stream.accounts:
        result.stream_campaigns += 1
        result.messages += account.counts["accepted"]
        result.streamed += account.counts["accepted"]
        result.findings += _of_account(stream.name, account, owners)


def _existence(message: ChaosMessage, enqueued: Enqueued, position: Position | None) -> Iterator[Finding]:
    key, receipt = message.key, enqueued.receipt
    if enqueued.failure is not None:
        yield Finding(Fault.MISREPORTED, f"{key}: send raised {enqueued.failure}", phone=message.phone)
    if message.must_be_refused and receipt is not None:
        yield Finding(Fault.MISREPORTED, f"{key} has a receipt, and had to be refused", phone=message.phone)
    if enqueued.refused and not message.must_be_refused:
        yield Finding(Fault.LOST, f"{key} was refused for no reason", phone=message.phone)
    if receipt is not None and position is None:
        yield Finding(Fault.LOST, f"{key} has a receipt, and the ledger does not know it", phone=message.phone)
    if receipt is not None and position not in (None, campaign_and_index(receipt)):
        what = f"{key} has a receipt of {receipt}, and the ledger has it at {position}"
        yield Finding(Fault.DOUBLED, what, phone=message.phone)
    if position is not None and enqueued.refused:
        yield Finding(Fault.MISREPORTED, f"{key} exists, though it was refused", phone=message.phone)
    if position is not None and enqueued.certain_that_none:
        yield Finding(Fault.MISREPORTED, f"{key} exists, though every try failed for sure", phone=message.phone)
    if enqueued.is_open:
        yield Finding(Fault.IN_DOUBT, f"{key} got no receipt until the end", phone=message.phone)


def _judge(message: ChaosMessage, account: Account | None, position: Position, times: int, result: CheckResult) -> None:
    record = None if account is None else account.records.get(position[1])
    result.count_record(record)
    fault, what = judge_message(record, times)
    if fault is not None:
        batch = "" if record is None else record.batch
        result.findings.append(Finding(fault, f"{message.key} {what}", position[0], batch, message.phone))


def _of_account(stream: str, account: Account, owners: Mapping[Position, str]) -> Iterator[Finding]:
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
