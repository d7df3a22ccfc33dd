"""`account`: move the campaigns of a key that is no longer in use."""

from __future__ import annotations

import argparse

from bsg_cli.commands.account_option import add_account_option
from bsg_cli.errors import ExitCode, needing_worker


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "account", parents=[common], help="move campaigns that wait for an unused key to the current key"
    )
    parser.add_argument(
        "action",
        choices=("rekey",),
        help="rekey: move the campaigns of which BSG has nothing, or all if both keys belong to one account at BSG",
    )
    add_account_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> ExitCode:
    with needing_worker():
        from bsg_cli.rekeying import run
    return run(arguments)
