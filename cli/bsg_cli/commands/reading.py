"""`status`, `list`, `watch`, `rejects`: show campaigns."""

from __future__ import annotations

import argparse
import dataclasses
from itertools import islice
from pathlib import Path

from bsg_cli.commands.campaign_argument import CAMPAIGN_HELP
from bsg_cli.commands.listing_option import add_limit
from bsg_cli.commands.reading_options import add_reading_options, reading_of
from bsg_cli.connection import open_producer, settings_in
from bsg_cli.errors import BadInput, CommandError, ExitCode
from bsg_cli.presenting import headline, print_batches, print_counts, transition_line, waits_for
from bsg_cli.printing import format_time, number, print_json, print_table
from bsg_cli.reject_file import print_rejected_rows, print_rejects
from bsg_cli.watching import watch
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.records import CampaignStatus, CampaignSummary
from bsg_ledger.waiting_reader import WaitingReader
from bsg_producer import Producer
from bsg_producer.queue_errors import queue_errors

TRANSITIONS_SHOWN = 20
CAMPAIGNS_SHOWN = 50


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    status = commands.add_parser("status", parents=[common], help="show the state of a campaign")
    status.add_argument("campaign", metavar="ID", help=CAMPAIGN_HELP)
    status.add_argument(
        "--all", action="store_true", help=f"show every transition, not only the last {TRANSITIONS_SHOWN}"
    )
    status.set_defaults(run=run_status)

    listing = commands.add_parser("list", parents=[common], help="list the campaigns, the newest first")
    shown = listing.add_mutually_exclusive_group()
    add_limit(shown, CAMPAIGNS_SHOWN, "campaigns")
    shown.add_argument(
        "--newest", action="store_true", help="print only the id of the newest; exit code 1 if there is none"
    )
    listing.set_defaults(run=run_list)

    watching = commands.add_parser("watch", parents=[common], help="follow a campaign until it is final")
    watching.add_argument("campaign", metavar="ID", help=CAMPAIGN_HELP)
    watching.set_defaults(run=run_watch)

    rejects = commands.add_parser("rejects", parents=[common], help="show the messages that are not sent, and why")
    rejects.add_argument("campaign", metavar="ID", help=CAMPAIGN_HELP)
    rejects.add_argument("--csv", action="store_true", help="print a CSV file that can be corrected and sent again")
    rejects.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help="the file that was sent: the rows are taken from it with all their columns",
    )
    add_reading_options(rejects)
    rejects.set_defaults(run=run_rejects)


def run_status(arguments: argparse.Namespace) -> ExitCode:
    settings = settings_in(arguments.data_directory)
    status = Producer(settings).status(arguments.campaign)
    with queue_errors():
        wait = WaitingReader(connect(settings), settings).foremost_of([status.campaign_id]).get(status.campaign_id)
    if arguments.json:
        print_json({**_fields(status), "another_account": _is_foreign(status, settings), "waits_for": wait})
        return ExitCode.OK
    print(headline(status))
    if wait is not None:
        print(f"  It waits for {waits_for(wait)}.")
    whose = "" if status.account_name == DEFAULT_ACCOUNT else f" for the account {status.account_name}"
    print(f"  accepted at {format_time(status.accepted_at)}{whose}, deadline {format_time(status.deadline)}")
    print_counts(status.counts)
    if status.batches:
        print()
        print_batches(status.batches)
    shown = status.transitions if arguments.all else status.transitions[-TRANSITIONS_SHOWN:]
    print()
    if len(shown) < len(status.transitions):
        print(f"({number(len(status.transitions) - len(shown))} earlier transitions: --all shows them)")
    for transition in shown:
        print(transition_line(transition))
    return ExitCode.OK


def _is_foreign(status: CampaignStatus, settings: Settings) -> bool | None:
    """Return whether the campaign belongs to none of the settings' accounts; None if the settings have no key."""
    if not settings.accounts:
        return None
    return settings.owning(status.account, status.account_name) is None


def _fields(status: CampaignStatus | CampaignSummary) -> dict[str, object]:
    return {field.name: getattr(status, field.name) for field in dataclasses.fields(status)}


def run_list(arguments: argparse.Namespace) -> ExitCode:
    settings = settings_in(arguments.data_directory)
    if arguments.newest:
        return _print_newest(Producer(settings), json=arguments.json)
    campaigns = list(islice(Producer(settings).campaigns(), arguments.limit))
    with queue_errors():
        waits = WaitingReader(connect(settings), settings).foremost_of([one.campaign_id for one in campaigns])
    if arguments.json:
        for campaign in campaigns:
            print_json({**_fields(campaign), "waits_for": waits.get(campaign.campaign_id)})
        return ExitCode.OK
    print_table(
        ("campaign", "accepted at", "messages", "state", "waits for", "name"),
        (
            (
                campaign.campaign_id,
                format_time(campaign.accepted_at),
                number(campaign.messages),
                f"{campaign.state}, paused" if campaign.paused else str(campaign.state),
                waits_for(waits.get(campaign.campaign_id)),
                campaign.name or "",
            )
            for campaign in campaigns
        ),
    )
    return ExitCode.OK


def _print_newest(producer: Producer, *, json: bool) -> ExitCode:
    newest = next(producer.campaigns(), None)
    if newest is None:
        raise CommandError("There is no campaign.")
    if json:
        print_json({"campaign_id": newest.campaign_id})
    else:
        print(newest.campaign_id)
    return ExitCode.OK


def run_watch(arguments: argparse.Namespace) -> ExitCode:
    return watch(open_producer(arguments.data_directory), arguments.campaign, json=arguments.json)


def run_rejects(arguments: argparse.Namespace) -> ExitCode:
    reading = reading_of(arguments)
    if arguments.csv and arguments.json:
        raise BadInput("--csv: not together with --json. Give one of them.")
    if arguments.file is not None and not arguments.csv:
        raise BadInput("--file: only with --csv. Add it.")
    producer = open_producer(arguments.data_directory)
    rejects = producer.rejects(arguments.campaign)
    if arguments.file is not None:
        accepted = producer.status(arguments.campaign).counts["accepted"]
        print_rejected_rows(list(rejects), arguments.file, reading, accepted)
        return ExitCode.OK
    if arguments.csv:
        print_rejects(rejects)
        return ExitCode.OK
    for reject in rejects:
        if arguments.json:
            print_json(reject)
        else:
            cells = (
                str(reject.index),
                reject.phone,
                reject.reference_id,
                reject.field,
                reject.code,
                reject.message,
            )
            print("\t".join(cell or "-" for cell in cells))
    return ExitCode.OK
