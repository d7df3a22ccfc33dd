"""`send`: send a campaign from a file."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from bsg_cli.commands.account_option import add_account_option
from bsg_cli.commands.reading_options import add_reading_options, reading_of
from bsg_cli.connection import open_producer
from bsg_cli.dry_run import preview_file, print_preview, print_preview_json
from bsg_cli.errors import BadInput, ExitCode
from bsg_cli.message_files import open_messages
from bsg_cli.printing import Progress, complain, messages, number, print_json
from bsg_cli.watching import watch
from bsg_config import clock
from bsg_config.settings import Settings
from bsg_messages import rules
from bsg_messages.priority import PRIORITIES
from bsg_messages.rejects import Violation
from bsg_messages.template import Template
from bsg_producer.campaign_arguments import check_options
from bsg_producer.files import MessageFile
from bsg_producer.redirecting import redirect_first

ROWS_BETWEEN_PROGRESS = 10_000
_OPTIONS = (
    "sender",
    "text",
    "tariff_code",
    "validity",
    "start_at",
    "deadline",
    "callback_url",
    "priority",
    "allow_duplicates",
    "transliterate",
    "name",
    "send_between",
    "max_cost",
    "account",
)
TEST_ROWS = 3


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("send", parents=[common], help="accept a campaign from a CSV file or a spreadsheet")
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="a .csv or .xlsx file, or - for standard input; its first line names the columns",
    )
    add_reading_options(parser)
    parser.add_argument("--sender", help="the sender of rows without a column `sender`")
    parser.add_argument("--text", help="a template with the other columns, such as 'Hi {{ name }}'")
    parser.add_argument(
        "--start-at",
        type=time_argument,
        metavar="TIME",
        help="when BSG begins to send, with a zone: 2026-12-01T09:00+02:00",
    )
    parser.add_argument(
        "--deadline", type=time_argument, metavar="TIME", help="send nothing later than this, with a zone"
    )
    parser.add_argument(
        "--validity", type=int, default=72, metavar="HOURS", help="how long BSG tries to deliver (default: 72)"
    )
    parser.add_argument(
        "--tariff-code", type=int, default=0, metavar="N", help="a tariff code of the account at BSG (default: 0)"
    )
    parser.add_argument(
        "--priority", choices=PRIORITIES, default="normal", help="the share among waiting campaigns (default: normal)"
    )
    parser.add_argument("--name", help="a name that lists show")
    parser.add_argument(
        "--callback-url", metavar="URL", help="the address to which BSG pushes delivery reports; at most 100 characters"
    )
    parser.add_argument(
        "--idempotency-key", metavar="KEY", help="accept a campaign with this key and content only once"
    )
    parser.add_argument(
        "--transliterate", action="store_true", help="let BSG write texts in Latin letters where necessary"
    )
    parser.add_argument(
        "--allow-duplicates", action="store_true", help="allow the same text to the same phone more than once"
    )
    parser.add_argument(
        "--send-between",
        metavar="HOURS",
        help="the hours in which batches may leave: 09:00-20:00, or '09:00-20:00 Europe/Kyiv'",
    )
    parser.add_argument("--max-cost", metavar="AMOUNT", help="pause the campaign before it costs more")
    add_account_option(parser)
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--watch", action="store_true", help="follow the campaign until it is final")
    end.add_argument(
        "--dry-run",
        action="store_true",
        help="show what would be sent and what would be rejected; send and store nothing",
    )
    parser.add_argument("--price", action="store_true", help="with --dry-run: ask BSG for the price")
    parser.add_argument(
        "--test-to", metavar="PHONE", help=f"send only the first {TEST_ROWS} rows, to this phone instead of their own"
    )
    parser.set_defaults(run=run)


def time_argument(text: str) -> datetime:
    """Return a time in ISO 8601, with its zone. Raise ArgumentTypeError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write it as 2026-12-01T09:00+02:00") from None
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no zone: add it, as in 2026-12-01T09:00+02:00")
    return found


def run(arguments: argparse.Namespace) -> ExitCode:
    if arguments.price and not arguments.dry_run:
        raise BadInput("--price: only with --dry-run. Add it.")
    if arguments.test_to is not None:
        _check_test(arguments)
    with open_messages(arguments.file, reading_of(arguments), text=arguments.text) as file:
        _check_columns(file, arguments)
        if file.note:
            complain(f"{file.shown}: {file.note}")
        if arguments.dry_run:
            return _dry_run(file, arguments)
        first: list[Mapping[str, Any]] = []  # the messages that a test send shows
        producer = open_producer(arguments.data_directory)
        progress = Progress()
        try:
            rows = _counted(file, progress)
            campaign_options = _options(arguments)
            if arguments.test_to is not None:
                first = redirect_first(rows, arguments.test_to, TEST_ROWS)
                rows, campaign_options = iter(first), {**campaign_options, "allow_duplicates": True}
            receipt = producer.enqueue(rows, **campaign_options, idempotency_key=arguments.idempotency_key)
        finally:
            progress.clear()
    if arguments.json:
        print_json(receipt)
    else:
        already = "Already accepted" if receipt.duplicate else "Accepted"
        print(f"{already}: {messages(receipt.messages)} as campaign {receipt.campaign_id}", flush=True)
        _print_texts(first, arguments.text)
    return watch(producer, receipt.campaign_id, json=arguments.json) if arguments.watch else ExitCode.OK


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the campaign's options as `Producer.enqueue` takes them."""
    return {name: getattr(arguments, name) for name in _OPTIONS}


def _check_test(arguments: argparse.Namespace) -> None:
    if arguments.dry_run:
        raise BadInput("--test-to: not together with --dry-run. Give one of them.")
    try:
        rules.phone(arguments.test_to)
    except Violation as violation:
        raise BadInput(f"--test-to: {violation.message}.") from None


def _print_texts(rows: Iterable[Mapping[str, Any]], text: str | None) -> None:
    """Print the texts of a test send. The workers reject a row that lacks a field of the text."""
    template = None if text is None else Template.parse(text)
    for index, row in enumerate(rows, 1):
        try:
            shown = str(row["text"]) if template is None else template.render(row)
        except Violation as violation:
            shown = f"(rejected: the row has no {violation.field})"
        print(f"  text {index}: {shown}", flush=True)


def _dry_run(file: MessageFile, arguments: argparse.Namespace) -> ExitCode:
    settings = Settings.from_environment()
    campaign_options = check_options(_options(arguments), settings, clock.now())
    progress = Progress()
    try:
        preview, lines = preview_file(
            _counted(file, progress),
            lambda: file.line,
            campaign_options,
            account=arguments.account,
            data_directory=arguments.data_directory,
            price=arguments.price,
        )
    finally:
        progress.clear()
    if arguments.json:
        print_preview_json(preview, lines)
    else:
        print_preview(preview, lines, file.shown, settings.of_account(arguments.account))
    return ExitCode.OK if preview.sent else ExitCode.FAILED


def _check_columns(file: MessageFile, arguments: argparse.Namespace) -> None:
    found = ", ".join(file.columns)
    for column, option in (("text", "--text"), ("sender", "--sender")):
        if column not in file.columns and getattr(arguments, column) is None:
            raise BadInput(f"{file.shown}, line 1: no column is named `{column}`. Found: {found}. Or give {option}.")


def _counted(file: MessageFile, progress: Progress) -> Iterator[Mapping[str, str | int]]:
    rows = 0
    for message in file:
        if rows % ROWS_BETWEEN_PROGRESS == 0:
            progress.show(f"{file.shown}: {number(rows)} rows")
        rows += 1
        yield message
    if rows == 0:
        raise BadInput(
            f"{file.shown}, line 2: no rows after the column names. Each row is a message: add at least one."
        )
