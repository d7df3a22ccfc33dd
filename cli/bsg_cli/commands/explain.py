"""`explain`: show each batch's state, what it waits for, and what happens next and when."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bsg_cli.commands.campaign_argument import CAMPAIGN_HELP
from bsg_cli.connection import settings_in
from bsg_cli.errors import ExitCode
from bsg_cli.presenting import headline
from bsg_cli.printing import format_time, messages, number, print_json
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.waiting import Wait, WaitReason
from bsg_ledger.waiting_reader import EVERY_BATCH, WaitingReader
from bsg_ledger.waiting_texts import describe
from bsg_producer import Producer
from bsg_producer.queue_errors import queue_errors

IDS_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Explanation:
    """One explanation of several batches (none: of messages in no batch). `at`: when the first continues, if known."""

    reason: WaitReason
    batches: Sequence[str]
    messages: int
    stands: str
    next: str
    at: datetime | None
    needs_operator: bool


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "explain", parents=[common], help="where each batch stands, what it waits for, what happens next and when"
    )
    parser.add_argument("campaign", metavar="ID", help=CAMPAIGN_HELP)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    settings = settings_in(arguments.data_directory)
    status = Producer(settings).status(arguments.campaign)
    explanations = explain(settings, status.campaign_id)
    if arguments.json:
        for one in explanations:
            print_json(one)
        return ExitCode.OK
    print(headline(status))
    print(f"  {messages(status.counts['accepted'])} accepted at {format_time(status.accepted_at)}.", end="")
    print("" if status.state.final else f" What is not sent by {format_time(status.deadline)} expires.")
    for one in explanations:
        print()
        print("\n".join(_lines(one)))
    return ExitCode.OK


def explain(settings: Settings, campaign_id: str) -> list[Explanation]:
    """Return the batches, grouped by their texts. Those that need an operator come first."""
    with queue_errors():
        waits = WaitingReader(connect(settings), settings).waits_of([campaign_id], singly=EVERY_BATCH)
    return [_explained(wait) for wait in waits.get(campaign_id, ())]


def _explained(wait: Wait) -> Explanation:
    text = describe(wait, format_time)
    return Explanation(
        wait.reason, wait.batch_ids, wait.messages, text.stands, text.next, wait.until, wait.reason.needs_operator
    )


def _lines(one: Explanation) -> list[str]:
    at = f" At {format_time(one.at)}." if one.at is not None else ""
    return [f"{_subject(one)}: {one.stands}.", f"  {one.next}{at}"]


def _subject(one: Explanation) -> str:
    if not one.batches:
        return messages(one.messages)
    shown = ", ".join(one.batches[:IDS_SHOWN])
    more = len(one.batches) - IDS_SHOWN
    named = f"{shown} and {number(more)} more" if more > 0 else shown
    return f"{messages(one.messages)} in {named}"
