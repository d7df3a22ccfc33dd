"""`pause`, `resume`, `cancel`, `retry`: control campaigns."""

from __future__ import annotations

import argparse

from bsg_cli.commands.campaign_argument import CAMPAIGN_HELP
from bsg_cli.commands.send import time_argument
from bsg_cli.connection import open_producer, settings_in
from bsg_cli.control_results import print_cancelled, print_paused, print_resumed
from bsg_cli.errors import BadInput, ExitCode
from bsg_cli.printing import format_time, messages, print_json
from bsg_config.redis_connections import connect
from bsg_ledger.waiting import WaitReason
from bsg_ledger.waiting_reader import WaitingReader
from bsg_ledger.waiting_texts import describe
from bsg_producer import CampaignInvalid, Producer
from bsg_producer.queue_errors import queue_errors


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    for name, run, explanation in (
        ("pause", run_pause, "hold messages that have not been sent; BSG continues with what it has"),
        ("resume", run_resume, "continue a paused campaign"),
        ("cancel", run_cancel, "end unsent messages for good, and stop the rest at BSG"),
    ):
        parser = commands.add_parser(name, parents=[common], help=explanation)
        parser.add_argument("campaign", metavar="ID", help=CAMPAIGN_HELP)
        if name == "resume":
            parser.add_argument(
                "--max-cost", metavar="AMOUNT", help="the new cap for the cost of the whole campaign; `none` removes it"
            )
        parser.set_defaults(run=run)

    retry = commands.add_parser(
        "retry", parents=[common], help="send messages again that BSG refused or that have expired"
    )
    retry.add_argument("campaign", metavar="ID", help=CAMPAIGN_HELP)
    retry.add_argument(
        "--deadline",
        type=time_argument,
        metavar="TIME",
        help="the new deadline, with a zone; required if the old one has passed",
    )
    retry.set_defaults(run=run_retry)


def run_pause(arguments: argparse.Namespace) -> ExitCode:
    producer = open_producer(arguments.data_directory)
    producer.pause(arguments.campaign)
    status = producer.status(arguments.campaign)
    print_paused({"campaign_id": status.campaign_id}, status.counts, as_json=arguments.json)
    return ExitCode.OK


def run_resume(arguments: argparse.Namespace) -> ExitCode:
    producer = open_producer(arguments.data_directory)
    try:
        producer.resume(arguments.campaign, max_cost=arguments.max_cost)
    except CampaignInvalid as error:
        raise BadInput("\n".join(f"--max-cost: {message}" for message in error.errors["max_cost"])) from None
    status = producer.status(arguments.campaign)
    print_resumed({"campaign_id": status.campaign_id}, status.counts, as_json=arguments.json)
    return ExitCode.OK


def run_cancel(arguments: argparse.Namespace) -> ExitCode:
    producer = open_producer(arguments.data_directory)
    gone = producer.cancel(arguments.campaign)
    status = producer.status(arguments.campaign)
    cancelled = status.counts.get("cancelled", 0)
    print_cancelled({"campaign_id": status.campaign_id}, cancelled=cancelled, gone=gone, as_json=arguments.json)
    return ExitCode.OK


def run_retry(arguments: argparse.Namespace) -> ExitCode:
    settings = settings_in(arguments.data_directory)
    producer = Producer(settings)
    again = producer.retry(arguments.campaign, deadline=arguments.deadline)
    with connect(settings) as client, queue_errors():
        wait = WaitingReader(client, settings).foremost_of([arguments.campaign]).get(arguments.campaign)
    held = wait if wait is not None and wait.reason is WaitReason.LOST_KEY else None
    if arguments.json:
        print_json({"campaign_id": arguments.campaign, "messages": again, "waits_for": held and held.reason})
        return ExitCode.OK
    print(f"To be sent again: {messages(again)}.")
    if held is not None:
        text = describe(held, format_time)
        print(f"{messages(held.messages)} wait for {text.waits_for}. {text.next}")
    return ExitCode.OK
