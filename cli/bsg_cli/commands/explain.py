"""`explain`: where each batch of a campaign stands, what it waits for, and what happens next and when."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime

from bsg_cli.connection import settings_in
from bsg_cli.cool_down import cooling_for
from bsg_cli.errors import ExitCode
from bsg_cli.explaining import Explanation, Standing, explain
from bsg_cli.presenting import headline
from bsg_cli.printing import messages, moment, number, print_json
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger import moments
from bsg_ledger.ledger import Ledger
from bsg_ledger.records import Batch, CampaignStatus
from bsg_ledger.rooms import Room
from bsg_ledger.states import BatchState
from bsg_producer import Producer
from bsg_producer.queue_errors import queue_errors

IDS_SHOWN = 4
_ROOMS = {
    BatchState.UNCONFIRMED: Room.DOUBT,
    BatchState.SUBMITTED: Room.LIVE,
    BatchState.FINISHED: Room.LIVE,
}
_TIMED = frozenset({BatchState.PENDING, BatchState.CLAIMED, BatchState.POSTING, BatchState.UNCONFIRMED})


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "explain", parents=[common], help="where each batch stands, what it waits for, what happens next and when"
    )
    parser.add_argument("campaign", metavar="ID")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    settings = settings_in(arguments.data_directory)
    status = Producer(settings).status(arguments.campaign)
    explanations = explain(_standing(settings, status))
    if arguments.json:
        for one in explanations:
            print_json(one)
        return ExitCode.OK
    print(headline(status))
    print(f"  {messages(status.counts['accepted'])} accepted at {moment(status.accepted_at)}.", end="")
    print("" if status.state.final else f" What is not sent by {moment(status.deadline)} expires.")
    for one in explanations:
        print()
        print("\n".join(_lines(one)))
    return ExitCode.OK


def _standing(settings: Settings, status: CampaignStatus) -> Standing:
    client = connect(settings)
    ledger = Ledger(client)
    known = settings.owning(status.account, status.account_name)
    account = status.account if known is None else known.account
    settings, foreign = known or settings, known is None and bool(settings.accounts)
    with queue_errors():
        records = ledger.reading.batch_records(batch.id for batch in status.batches if batch.state in _TIMED)
        return Standing(
            status=status,
            records={record.id: record for record in records},
            looks={} if account is None else _looks(ledger, account, status.batches),
            gate=None if account is None else ledger.gate(account).state(),
            foreign=foreign,
            cooling_for=0.0 if account is None else cooling_for(client, settings, account),
            now=moments.moment(ledger.rooms.now_ms()),
            settings=settings,
        )


def _looks(ledger: Ledger, account: str, batches: Sequence[Batch]) -> dict[str, datetime]:
    looks: dict[str, datetime] = {}
    for room in dict.fromkeys(_ROOMS.values()):
        members = [batch.id for batch in batches if _ROOMS.get(batch.state) is room]
        looks |= ledger.rooms.looks(room, members, account=account)
    return looks


def _lines(one: Explanation) -> list[str]:
    at = f" At {moment(one.at)}." if one.at is not None else ""
    return [f"{_subject(one)}: {one.stands}.", f"  {one.next}{at}"]


def _subject(one: Explanation) -> str:
    if not one.batches:
        return messages(one.messages)
    shown = ", ".join(one.batches[:IDS_SHOWN])
    more = len(one.batches) - IDS_SHOWN
    named = f"{shown} and {number(more)} more" if more > 0 else shown
    return f"{messages(one.messages)} in {named}"
