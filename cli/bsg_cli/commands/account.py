"""`account`: move the campaigns of a key that is no longer in use."""

from __future__ import annotations

import argparse

from bsg_cli.commands.account_option import add_account_option
from bsg_cli.errors import ExitCode, needing_worker


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "account", parents=[common], help="move what waits for a key that nobody has any more to the key of now"
    )
    parser.add_argument(
        "action",
        choices=("rekey",),
        help="rekey: move campaigns that BSG never had anything of, or all if both keys are of one account at BSG",
    )
    add_account_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> ExitCode:
    with needing_worker():
        from bsg_cli.rekeying import run
    return run(arguments)
