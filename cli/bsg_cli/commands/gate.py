"""`gate`: show, open or shut an account's gate."""

from __future__ import annotations

import argparse

from bsg_cli.commands.account_option import add_account_option
from bsg_cli.connection import open_producer
from bsg_cli.errors import ExitCode
from bsg_cli.printing import format_time, print_json
from bsg_ledger.gate import GateReason
from bsg_ledger.gate_reasons import TRIAL_DECIDES


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("gate", parents=[common], help="show, open or shut the account's gate")
    parser.add_argument(
        "action", nargs="?", choices=("open", "shut"), help="shut: nothing leaves until the gate is opened"
    )
    add_account_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    producer = open_producer(arguments.data_directory)
    if arguments.action == "open":
        producer.open_gate(account=arguments.account)
    elif arguments.action == "shut":
        producer.shut_gate(account=arguments.account)
    gate = producer.gate(account=arguments.account)
    if arguments.json:
        print_json(gate)
        return ExitCode.OK
    words = ["open" if gate.open else "half open" if gate.half_open else "shut"]
    if gate.reason:
        words.append(f"because of {gate.reason}")
    if gate.by:
        words.append(f"by {gate.by}")
    if gate.since is not None:
        words.append(f"since {format_time(gate.since)}")
    print(f"The gate is {' '.join(words)}.")
    if gate.half_open:
        print(f"One batch at a time goes through. {TRIAL_DECIDES}")
    elif gate.shut and gate.next_probe is not None:
        print(f"BSG is asked at {format_time(gate.next_probe)} whether it may open.")
    if not gate.open and gate.reason == GateReason.LEDGER_WENT_BACK:
        remedy = f"bsg-campaigns audit --recover --account {arguments.account}"
        print(f"What waits may have been sent. `{remedy}` looks it up at BSG and opens the gate.")
    if gate.balance is not None:
        print(f"The last balance that BSG reported: {gate.balance}")
    return ExitCode.OK
