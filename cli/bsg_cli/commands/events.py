"""`events`: print the transitions of all campaigns, for programs that keep a table of their own."""

from __future__ import annotations

import argparse

from bsg_cli.connection import open_producer
from bsg_cli.errors import ExitCode
from bsg_cli.presenting import delivery_report_line, transition_line
from bsg_cli.printing import print_json
from bsg_producer import DeliveryReport


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    events = commands.add_parser("events", parents=[common], help="print every transition of all campaigns")
    events.add_argument("--reports", action="store_true", help="print the delivery reports that BSG pushed instead")
    events.add_argument(
        "--since", metavar="POSITION", help="begin after the entry with this position (default: with the oldest entry)"
    )
    events.add_argument("--follow", action="store_true", help="wait for more until interrupted")
    events.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    producer = open_producer(arguments.data_directory)
    read = producer.delivery_reports if arguments.reports else producer.events
    for entry in read(since=arguments.since, follow=arguments.follow):
        if arguments.json:
            print_json(entry)
        elif isinstance(entry, DeliveryReport):
            print(delivery_report_line(entry), flush=True)
        else:
            print(f"{entry.campaign_id}  {transition_line(entry)}", flush=True)
    return ExitCode.OK
