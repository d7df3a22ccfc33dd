"""`send`: a campaign from a CSV file."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from bsg_cli.campaign_file import CampaignFile
from bsg_cli.connection import open_producer
from bsg_cli.errors import BadInput, ExitCode
from bsg_cli.printing import Progress, messages, number, print_json
from bsg_cli.watching import watch
from bsg_producer.template import FieldMissing, Template

ROWS_BETWEEN_PROGRESS = 10_000


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("send", parents=[common], help="accept a campaign from a CSV file")
    parser.add_argument("file", type=Path, metavar="FILE.csv", help="its first line names the columns; one is phone")
    parser.add_argument("--sender", help="for rows without a `sender` of their own")
    parser.add_argument("--text", help="a template over the other columns, such as 'Hi {{ name }}'")
    parser.add_argument("--start-at", type=moment_argument, metavar="TIME", help="with zone: 2026-12-01T09:00+02:00")
    parser.add_argument("--deadline", type=moment_argument, metavar="TIME", help="what is unsent then is never sent")
    parser.add_argument("--validity", type=int, default=72, metavar="HOURS", help="how long BSG tries (72)")
    parser.add_argument("--tariff-code", type=int, default=0, metavar="N")
    parser.add_argument("--priority", choices=("high", "normal", "low"), default="normal")
    parser.add_argument("--name", help="for people to tell campaigns apart")
    parser.add_argument("--callback-url", metavar="URL")
    parser.add_argument("--idempotency-key", metavar="KEY", help="the same key and content is accepted only once")
    parser.add_argument("--allow-duplicates", action="store_true", help="the same text twice to the same phone")
    parser.add_argument("--watch", action="store_true", help="follow it until it is final")
    parser.set_defaults(run=run)


def moment_argument(text: str) -> datetime:
    """A time in ISO 8601, with its zone. Raises ArgumentTypeError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write it as 2026-12-01T09:00+02:00") from None
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no zone: add it, as in 2026-12-01T09:00+02:00")
    return found


def run(arguments: argparse.Namespace) -> ExitCode:
    with CampaignFile(arguments.file) as file:
        _check_columns(file, arguments)
        producer = open_producer(arguments.data_directory)
        progress = Progress()
        try:
            receipt = producer.enqueue(
                _counted(file, progress),
                sender=arguments.sender,
                text=arguments.text,
                tariff_code=arguments.tariff_code,
                validity=arguments.validity,
                start_at=arguments.start_at,
                deadline=arguments.deadline,
                callback_url=arguments.callback_url,
                priority=arguments.priority,
                allow_duplicates=arguments.allow_duplicates,
                idempotency_key=arguments.idempotency_key,
                name=arguments.name,
            )
        finally:
            progress.clear()
    if arguments.json:
        print_json(receipt)
    else:
        already = "Already accepted" if receipt.duplicate else "Accepted"
        print(f"{already}: {messages(receipt.messages)} as campaign {receipt.campaign_id}", flush=True)
    return watch(producer, receipt.campaign_id, json=arguments.json) if arguments.watch else ExitCode.OK


def _check_columns(file: CampaignFile, arguments: argparse.Namespace) -> None:
    found = ", ".join(file.columns)
    for column, option in (("text", "--text"), ("sender", "--sender")):
        if column not in file.columns and getattr(arguments, column) is None:
            raise BadInput(f"{file.path}, line 1: no column is named `{column}`. Found: {found}. Or give {option}.")
    if arguments.text is not None:
        check_fields(file, arguments.text)


def check_fields(file: CampaignFile, text: str) -> None:
    """Raises BadInput for a field of the text that the file has no column for.

    The campaign would be accepted, and then every message of it rejected.
    """
    try:
        Template.parse(text).render(dict.fromkeys(file.columns, "filled"))
    except FieldMissing as missing:
        raise BadInput(
            f"{file.path}, line 1: no column is named `{missing.name}`, which --text uses. "
            f"Found: {', '.join(file.columns)}. Rename it, or give the field a default."
        ) from None


def _counted(file: CampaignFile, progress: Progress) -> Iterator[Mapping[str, str | int]]:
    rows = 0
    for message in file.messages():
        if rows % ROWS_BETWEEN_PROGRESS == 0:
            progress.show(f"{file.path.name}: {number(rows)} rows")
        rows += 1
        yield message
    if rows == 0:
        raise BadInput(f"{file.path}, line 2: no rows after the column names. Each row is a message: add at least one.")
