"""`message`: show what became of one message of a stream."""

from __future__ import annotations

import argparse

from bsg_cli.connection import open_producer
from bsg_cli.errors import ExitCode
from bsg_cli.printing import format_time, print_json
from bsg_producer import MessageReport, MessageStatus


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("message", parents=[common], help="show the state of one message of a stream")
    parser.add_argument("message", metavar="ID", help="the message's id, as `stream send` prints it")
    parser.add_argument("--report", action="store_true", help="ask BSG for its record of the message")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    status = open_producer(arguments.data_directory).message(arguments.message, report=arguments.report)
    if arguments.json:
        print_json(status)
    else:
        _print(status)
        if arguments.report:
            _print_report(status.report)
    return ExitCode.OK


def _print(status: MessageStatus) -> None:
    print(f"Message {status.message_id}: {status.state}")
    print(f"  in batch {status.batch} of campaign {status.campaign_id}")
    if status.reject is not None:
        field = f"{status.reject.field}: " if status.reject.field else ""
        print(f"  {field}{status.reject.message} ({status.reject.code})")
    if status.bsg_campaign_id is not None:
        at_bsg = f", {status.bsg_status} there" if status.bsg_status else ""
        print(f"  BSG's campaign {status.bsg_campaign_id}{at_bsg}")
    if status.submitted_at is not None:
        print(f"  submitted at {format_time(status.submitted_at)}")
    if status.finished_at is not None:
        print(f"  finished at {format_time(status.finished_at)}")


def _print_report(report: MessageReport | None) -> None:
    if report is None:
        print("  BSG has no record of it")
        return
    price = f", {report.price} {report.currency or ''}".rstrip() if report.price else ""
    print(f"  BSG's record: {report.status}{price}")
    if report.delivered_at is not None:
        print(f"  delivered at {format_time(report.delivered_at)}")
