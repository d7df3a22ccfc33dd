"""`resolve`: record an operator's decision on batches in doubt, one by its id or many at once."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bsg_cli.commands.account_option import add_account_option
from bsg_cli.commands.send import time_argument
from bsg_cli.confirmation import confirmed, require_decision, show_plan
from bsg_cli.connection import open_producer
from bsg_cli.errors import BadInput, ExitCode, needing_worker
from bsg_cli.printing import messages, number, print_json
from bsg_ledger.doubts import Doubt
from bsg_producer import Producer

BECOMES = {
    "pending": "is sent again",
    "cancelled": "ends as cancelled",
    "expired": "ends as expired",
}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("resolve", parents=[common], help="decide batches that need an operator")
    parser.add_argument("batch", metavar="BATCH", nargs="?", help="the batch's id, as `status` prints it")
    decision = parser.add_mutually_exclusive_group(required=True)
    decision.add_argument("--sent", type=int, metavar="ID", help="the batch was sent, as the BSG campaign with this id")
    decision.add_argument("--not-sent", action="store_true", help="the batch was certainly not sent: send it now")
    decision.add_argument(
        "--all-not-sent",
        action="store_true",
        help="send every batch now that needs an operator and of which BSG has no trace",
    )
    decision.add_argument(
        "--all-found",
        action="store_true",
        help="look up every batch in doubt at BSG, and record those that BSG has as sent",
    )
    parser.add_argument(
        "--since",
        type=time_argument,
        metavar="TIME",
        help="with --all-…: only batches that are in doubt since this time or later",
    )
    parser.add_argument(
        "--until",
        type=time_argument,
        metavar="TIME",
        help="with --all-…: only batches that are in doubt since before this time",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="with --all-…: show what would be done, and change nothing"
    )
    parser.add_argument("--yes", action="store_true", help="with --all-…: do not ask for confirmation")
    add_account_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    of_many = arguments.all_not_sent or arguments.all_found
    if of_many and arguments.batch is not None:
        raise BadInput("BATCH: --all-not-sent and --all-found are about every batch in doubt: leave the id out.")
    if not of_many and arguments.batch is None:
        raise BadInput("BATCH: give the id of a batch, as `bsg-campaigns status` prints it, or --all-not-sent.")
    for name in ("since", "until", "dry_run", "yes"):
        if not of_many and getattr(arguments, name):
            raise BadInput(f"--{name.replace('_', '-')}: only with --all-not-sent or --all-found.")
    if arguments.all_found:
        return _all_found(arguments)
    producer = open_producer(arguments.data_directory)
    return _all_not_sent(producer, arguments) if arguments.all_not_sent else _one(producer, arguments)


def _one(producer: Producer, arguments: argparse.Namespace) -> ExitCode:
    state = producer.resolve(arguments.batch, sent=arguments.sent, not_sent=arguments.not_sent)
    if arguments.json:
        print_json({"batch": arguments.batch, "state": state})
    else:
        print(f"Batch {arguments.batch} is {state} now.")
    return ExitCode.OK


def _all_not_sent(producer: Producer, arguments: argparse.Namespace) -> ExitCode:
    doubts = producer.doubts(account=arguments.account, since=arguments.since, until=arguments.until)
    chosen = [doubt for doubt in doubts if doubt.may_be_resolved]
    if arguments.json:
        require_decision(arguments)
    show_plan(doubts, {doubt.batch: BECOMES[doubt.if_not_sent] for doubt in chosen}, arguments, _left_alone)
    question = f"Were these {number(len(chosen))} batches, {_sum(chosen)}, surely not sent?"
    if not chosen or not confirmed(arguments, question):
        return ExitCode.OK
    resolved = producer.resolve_all_not_sent(chosen)
    done = [one for one in resolved if one.changed]
    if arguments.json:
        for one in resolved:
            print_json({"batch": one.batch, "messages": one.messages, "state": one.state})
    else:
        print(f"Resolved: {number(len(done))} batches, {messages(sum(one.messages for one in done))}.")
        for one in resolved:
            if not one.changed:
                print(f"  {one.batch} was left alone: it has moved on since it was shown.")
    return ExitCode.OK


def _all_found(arguments: argparse.Namespace) -> ExitCode:
    with needing_worker():
        from bsg_cli.finding import run
    return run(arguments)


def _left_alone(doubt: Doubt) -> str:
    if not doubt.needs_operator:
        return "left alone: no operator is needed yet"
    return f"left alone: {doubt.why}. Resolve it by its id"


def _sum(doubts: Sequence[Doubt]) -> str:
    return messages(sum(doubt.messages for doubt in doubts))
