"""`audit`: compare the ledger with BSG's own list, and recover a ledger that was restored from an older copy."""

from __future__ import annotations

import argparse

from bsg_cli.commands.account_option import add_account_option
from bsg_cli.commands.send import time_argument
from bsg_cli.errors import ExitCode, needing_worker


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "audit", parents=[common], help="compare the ledger with BSG's list, and report what either of them lacks"
    )
    parser.add_argument(
        "--since",
        type=time_argument,
        metavar="TIME",
        help="begin at this time, with a zone (default: a day before --until)",
    )
    parser.add_argument(
        "--until", type=time_argument, metavar="TIME", help="end at this time, with a zone (default: now)"
    )
    parser.add_argument(
        "--recover",
        action="store_true",
        help="after Redis was restored from an older copy: look up the pending batches at BSG, then open the gate",
    )
    add_account_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> ExitCode:
    with needing_worker():
        from bsg_cli.auditing import run
    return run(arguments)
