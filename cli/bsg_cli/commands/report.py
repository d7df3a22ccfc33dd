"""`report`: show each message's status at BSG."""

from __future__ import annotations

import argparse
import csv
import sys
from datetime import datetime

from bsg_cli.commands.campaign_argument import CAMPAIGN_HELP
from bsg_cli.connection import open_producer
from bsg_cli.errors import BadInput, ExitCode
from bsg_cli.printing import print_json
from bsg_producer import MessageReport
from bsg_producer.files.csv_rows import escaped

_COLUMNS = ("index", "phone", "reference_id", "status", "price", "currency", "sent_at", "delivered_at")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("report", parents=[common], help="show BSG's status of each message of a campaign")
    parser.add_argument("campaign", metavar="ID", help=CAMPAIGN_HELP)
    parser.add_argument("--csv", action="store_true", help="print a CSV file that is safe to open in a spreadsheet")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    if arguments.csv and arguments.json:
        raise BadInput("--csv: not together with --json. Give one of them.")
    rows = open_producer(arguments.data_directory).report(arguments.campaign)
    if arguments.json:
        for row in rows:
            print_json(row)
    elif arguments.csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(_COLUMNS)
        writer.writerows([escaped(cell) for cell in _cells(row)] for row in rows)
    else:
        for row in rows:
            print("\t".join(cell or "-" for cell in _cells(row)))
    return ExitCode.OK


def _cells(row: MessageReport) -> list[str]:
    return [_written(getattr(row, column)) for column in _COLUMNS]


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return "" if value is None else str(value)
