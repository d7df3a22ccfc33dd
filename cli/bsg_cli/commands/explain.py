"""`explain`: show what a campaign's batches or a stream's messages wait for, and what happens next and when."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bsg_cli.connection import settings_in
from bsg_cli.errors import ExitCode
from bsg_cli.presenting import headline
from bsg_cli.printing import format_time, messages, number, print_json
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_ledger.stream_listing import ListedStream
from bsg_ledger.waiting import Wait, WaitReason
from bsg_ledger.waiting_reader import BATCHES_READ_SINGLY, EVERY_BATCH, WaitingReader
from bsg_ledger.waiting_texts import describe
from bsg_producer import CampaignNotFound, Producer
from bsg_producer.queue_errors import queue_errors

IDS_SHOWN = 4
CAMPAIGNS_EXPLAINED = 20  # of a stream


@dataclass(frozen=True, slots=True)
class Explanation:
    """One explanation of several batches (none: of messages in no batch). `at`: when the first continues, if known."""

    reason: WaitReason
    batches: Sequence[str]
    messages: int
    description: str
    next: str
    at: datetime | None
    needs_operator: bool


@dataclass(frozen=True, slots=True)
class StreamExplanation:
    """What waits in a stream. `waiting`: how many messages wait to be sent, the oldest since `oldest_at`.

    `campaigns`: the CAMPAIGNS_EXPLAINED oldest of its `open_campaigns`, each with what is not final.
    """

    name: str
    paused: bool
    waiting: int
    oldest_at: datetime | None
    open_campaigns: int
    campaigns: Mapping[str, Sequence[Explanation]]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "explain", parents=[common], help="show what each batch or stream waits for, what happens next, and when"
    )
    parser.add_argument("campaign", metavar="ID", help="a campaign's id, or a stream's name")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    settings = settings_in(arguments.data_directory)
    try:
        status = Producer(settings).status(arguments.campaign)
    except CampaignNotFound:
        with queue_errors():
            stream = Ledger(connect(settings)).stream_listing.stream(arguments.campaign)
        if stream is None:
            raise
        return _run_for_stream(explain_stream(settings, stream), as_json=arguments.json)
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


def _run_for_stream(stream: StreamExplanation, *, as_json: bool) -> ExitCode:
    if as_json:
        print_json(stream)
        return ExitCode.OK
    print(f"Stream {stream.name}{': paused' if stream.paused else ''}")
    since = f", the oldest since {format_time(stream.oldest_at)}" if stream.oldest_at is not None else ""
    print(f"  {messages(stream.waiting)} to be sent{since}.")
    if stream.paused:
        print(f"  What is accepted is held. `bsg-campaigns stream resume {stream.name}` lets it go on.")
    for campaign_id, explanations in stream.campaigns.items():
        print(f"\nCampaign {campaign_id}")
        for one in explanations:
            print("\n".join(_lines(one)))
    more = stream.open_campaigns - len(stream.campaigns)
    if more > 0:
        print(f"\n({number(more)} newer campaigns are open: `bsg-campaigns stream status {stream.name}` shows them)")
    return ExitCode.OK


def explain_stream(settings: Settings, stream: ListedStream) -> StreamExplanation:
    """Return what the stream's messages wait for, campaign by campaign, the oldest first."""
    open_ids = [campaign.campaign_id for campaign in reversed(stream.campaigns)]
    some = open_ids[:CAMPAIGNS_EXPLAINED]
    with queue_errors():
        waits = WaitingReader(connect(settings), settings).waits_of(some, singly=BATCHES_READ_SINGLY)
    explanations = {one: [_explained(wait) for wait in waits.get(one, ()) if not wait.reason.final] for one in some}
    return StreamExplanation(
        name=stream.name,
        paused=stream.paused,
        waiting=stream.waiting,
        oldest_at=stream.oldest_at,
        open_campaigns=len(open_ids),
        campaigns={one: found for one, found in explanations.items() if found},
    )


def explain(settings: Settings, campaign_id: str) -> list[Explanation]:
    """Return the batches, grouped by their texts. Those that need an operator come first."""
    with queue_errors():
        waits = WaitingReader(connect(settings), settings).waits_of([campaign_id], singly=EVERY_BATCH)
    return [_explained(wait) for wait in waits.get(campaign_id, ())]


def _explained(wait: Wait) -> Explanation:
    text = describe(wait, format_time)
    return Explanation(
        wait.reason, wait.batch_ids, wait.messages, text.description, text.next, wait.until, wait.reason.needs_operator
    )


def _lines(one: Explanation) -> list[str]:
    at = f" At {format_time(one.at)}." if one.at is not None else ""
    return [f"{_subject(one)}: {one.description}.", f"  {one.next}{at}"]


def _subject(one: Explanation) -> str:
    if not one.batches:
        return messages(one.messages)
    shown = ", ".join(one.batches[:IDS_SHOWN])
    more = len(one.batches) - IDS_SHOWN
    named = f"{shown} and {number(more)} more" if more > 0 else shown
    return f"{messages(one.messages)} in {named}"
