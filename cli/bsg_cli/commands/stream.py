"""`stream`: send one message at a time, and control the streams that collect such messages."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from difflib import get_close_matches

from bsg_broker.wakeups import Wakeups
from bsg_cli.commands.account_option import add_account_option
from bsg_cli.commands.listing_option import add_limit
from bsg_cli.connection import open_producer, settings_in
from bsg_cli.control_results import print_cancelled, print_paused, print_resumed
from bsg_cli.errors import BadInput, ExitCode
from bsg_cli.parsing import Commands
from bsg_cli.presenting import print_counts, waits_for
from bsg_cli.printing import format_time, number, print_json, print_table
from bsg_config.redis_connections import connect
from bsg_ledger.ledger import Ledger
from bsg_ledger.waiting_reader import WaitingReader
from bsg_messages.priority import PRIORITIES
from bsg_producer.queue_errors import queue_errors
from bsg_producer.streams.control import cancel_stream, pause_stream, resume_stream
from bsg_producer.streams.stream_status import read_stream

CAMPAIGNS_SHOWN = 20
STREAMS_SHOWN = 50
NAMES_COMPARED = 1000
_MESSAGE_OPTIONS = ("sender", "text", "reference_id", "tariff_code", "transliterate")
_STREAM_OPTIONS = (
    "validity", "deadline", "callback_url", "priority", "send_between", "max_cost", "max_cost_per_day",
    "max_wait", "account",
)  # fmt: skip


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("stream", help="send single messages, and control the streams that collect them")
    actions = parser.add_subparsers(
        title="actions", metavar="ACTION", required=True, action=Commands, help="what to do"
    )
    _add_send(actions, common)
    listing = actions.add_parser(
        "list", parents=[common], help="list the streams, the one that began a campaign last first"
    )
    add_limit(listing, STREAMS_SHOWN, "streams")
    listing.set_defaults(run=run_list)
    for name, run, explanation in (
        ("status", run_status, "show the state of a stream and its newest campaigns"),
        ("pause", run_pause, "hold messages that have not been sent, and those that are accepted from now on"),
        ("resume", run_resume, "continue a paused stream"),
        ("cancel", run_cancel, "end unsent messages for good, and stop the rest at BSG"),
    ):
        action = actions.add_parser(name, parents=[common], help=explanation)
        action.add_argument("name", metavar="NAME", help="the stream's name, as `stream list` prints it")
        if name == "resume":
            cap = "the new cap for the cost of {}; `none` removes it"
            action.add_argument("--max-cost", metavar="AMOUNT", help=cap.format("each open campaign"))
            action.add_argument(
                "--max-cost-per-day", metavar="AMOUNT", help=cap.format("the open campaigns in a day (UTC)")
            )
        action.set_defaults(run=run)


def _add_send(actions: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = actions.add_parser("send", parents=[common], help="accept one message of a stream")
    parser.add_argument("name", metavar="NAME", help="the stream's name: small letters, digits, - and _")
    parser.add_argument("phone", metavar="PHONE", help="the phone with its country code: +380661231231")
    parser.add_argument("--text", required=True, help="the text as it arrives, not a template")
    parser.add_argument("--sender", help="a sender that is registered at BSG")
    parser.add_argument("--reference-id", metavar="ID", help="your own id for the message at BSG")
    parser.add_argument("--idempotency-key", metavar="KEY", help="accept a message with this key and content only once")
    parser.add_argument("--tariff-code", type=int, metavar="N", help="a tariff code of the account at BSG (default: 0)")
    parser.add_argument(
        "--transliterate",
        action="store_true",
        default=None,
        help="let BSG write the text in Latin letters where necessary",
    )
    parser.add_argument(
        "--validity", type=int, default=72, metavar="HOURS", help="how long BSG tries to deliver (default: 72)"
    )
    parser.add_argument("--deadline", type=_seconds, metavar="SECONDS", help="never send the message later than this")
    parser.add_argument(
        "--max-wait",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for other messages (default: 0)",
    )
    parser.add_argument(
        "--priority", choices=PRIORITIES, default="normal", help="the share among waiting campaigns (default: normal)"
    )
    parser.add_argument("--callback-url", metavar="URL", help="the address to which BSG pushes delivery reports")
    parser.add_argument("--send-between", metavar="HOURS", help="the hours in which batches may leave: 09:00-20:00")
    parser.add_argument("--max-cost", metavar="AMOUNT", help="pause the stream's campaign before it costs more")
    parser.add_argument(
        "--max-cost-per-day",
        metavar="AMOUNT",
        help="hold the stream until midnight (UTC) before its day costs more",
    )
    add_account_option(parser)
    parser.set_defaults(run=run_send)


def _seconds(text: str) -> float:
    """Return the number of seconds. Raise ArgumentTypeError."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found) or found < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds: give one, such as 7200")
    return found


def run_send(arguments: argparse.Namespace) -> ExitCode:
    if "{{" in arguments.text or "{%" in arguments.text:
        raise BadInput("--text: no template is filled in here. Write the text as it is to arrive.")
    given = {name: getattr(arguments, name) for name in _MESSAGE_OPTIONS}
    message = {name: value for name, value in given.items() if value is not None}
    stream = open_producer(arguments.data_directory).stream(
        arguments.name, **{name: getattr(arguments, name) for name in _STREAM_OPTIONS}
    )
    receipt = stream.send({"phone": arguments.phone, **message}, idempotency_key=arguments.idempotency_key)
    if arguments.json:
        print_json(receipt)
    else:
        print(f"{'Already accepted' if receipt.duplicate else 'Accepted'}: message {receipt.message_id}")
    return ExitCode.OK


def run_list(arguments: argparse.Namespace) -> ExitCode:
    with queue_errors():
        streams = Ledger(connect(settings_in(arguments.data_directory))).stream_listing.page(0, arguments.limit)
    if arguments.json:
        for stream in streams:
            print_json(stream)
        return ExitCode.OK
    print_table(
        ("stream", "last campaign", "waiting", "oldest waiting", ""),
        (
            (
                stream.name,
                format_time(stream.began_at),
                number(stream.waiting),
                "" if stream.oldest_at is None else format_time(stream.oldest_at),
                "paused" if stream.paused else "",
            )
            for stream in streams
        ),
    )
    return ExitCode.OK


def run_status(arguments: argparse.Namespace) -> ExitCode:
    ledger, settings = _ledger_of(arguments), settings_in(arguments.data_directory)
    with queue_errors():
        status = read_stream(ledger, arguments.name)
    if arguments.json:
        print_json(status)
        return ExitCode.OK
    shown = status.campaigns[:CAMPAIGNS_SHOWN]
    with queue_errors():
        waits = WaitingReader(connect(settings), settings).foremost_of([one.campaign_id for one in shown])
    print(f"Stream {status.name}{': paused' if status.paused else ''}")
    print_counts(status.counts)
    print()
    print_table(
        ("campaign", "began at", "messages", "state", "waits for"),
        (
            (
                campaign.campaign_id,
                format_time(campaign.accepted_at),
                number(campaign.messages),
                f"{campaign.state}, paused" if campaign.paused else str(campaign.state),
                waits_for(waits.get(campaign.campaign_id)),
            )
            for campaign in shown
        ),
    )
    if len(status.campaigns) > CAMPAIGNS_SHOWN:
        print(f"({number(len(status.campaigns) - CAMPAIGNS_SHOWN)} earlier campaigns: --json shows them)")
    return ExitCode.OK


def run_pause(arguments: argparse.Namespace) -> ExitCode:
    ledger = _ledger_of(arguments)
    pause_stream(ledger, arguments.name)
    print_paused({"name": arguments.name}, _counts(ledger, arguments.name), as_json=arguments.json)
    return ExitCode.OK


def run_resume(arguments: argparse.Namespace) -> ExitCode:
    ledger = _ledger_of(arguments)
    wakeups = Wakeups(connect(settings_in(arguments.data_directory)))
    resume_stream(ledger, wakeups, arguments.name, arguments.max_cost, arguments.max_cost_per_day)
    print_resumed({"name": arguments.name}, _counts(ledger, arguments.name), as_json=arguments.json)
    return ExitCode.OK


def run_cancel(arguments: argparse.Namespace) -> ExitCode:
    cancelled, gone = cancel_stream(_ledger_of(arguments), arguments.name)
    print_cancelled({"name": arguments.name}, cancelled=cancelled, gone=gone, as_json=arguments.json)
    return ExitCode.OK


def _ledger_of(arguments: argparse.Namespace) -> Ledger:
    """Return the ledger. Raise BadInput if it does not know the stream."""
    ledger = Ledger(connect(settings_in(arguments.data_directory)))
    with queue_errors():
        if ledger.stream_listing.knows(arguments.name):
            return ledger
        near = get_close_matches(arguments.name, ledger.stream_listing.names(0, NAMES_COMPARED), 1)
    hint = f"Did you mean {near[0]}?" if near else "`bsg-campaigns stream list` shows those that there are."
    raise BadInput(f"NAME: there is no stream {arguments.name!r}. {hint}")


def _counts(ledger: Ledger, name: str) -> Mapping[str, int]:
    """Return the messages of the stream's open campaigns by state. A closed campaign is not controlled."""
    with queue_errors():
        stream = ledger.stream_listing.stream(name)
    return {} if stream is None else stream.counts
