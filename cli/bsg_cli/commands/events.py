"""`events`: what happens to all campaigns, for programs that keep a table of their own."""

from __future__ import annotations

import argparse

from bsg_cli.connection import open_producer
from bsg_cli.errors import ExitCode
from bsg_cli.presenting import transition_line
from bsg_cli.printing import print_json


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    events = commands.add_parser("events", parents=[common], help="every transition of all campaigns")
    events.add_argument("--since", metavar="POSITION", help="begin behind the event that has it (the oldest kept)")
    events.add_argument("--follow", action="store_true", help="wait for more, until interrupted")
    events.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    for event in open_producer(arguments.data_directory).events(since=arguments.since, follow=arguments.follow):
        if arguments.json:
            print_json(event)
        else:
            print(f"{event.campaign_id}  {transition_line(event)}", flush=True)
    return ExitCode.OK
