"""Show an operator the plan for batches in doubt, and ask for confirmation."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

from bsg_cli.errors import BadInput
from bsg_cli.printing import format_time, number, print_json, print_table
from bsg_ledger.batch_id import BatchId
from bsg_ledger.doubts import Doubt


def show_plan(
    doubts: Sequence[Doubt],
    planned: Mapping[BatchId, str],
    arguments: argparse.Namespace,
    otherwise: Callable[[Doubt], str],
) -> None:
    """Print each batch with its planned change, or with the reason why it stays as it is."""
    rows = [(doubt, planned.get(doubt.batch) or otherwise(doubt)) for doubt in doubts]
    if arguments.json:
        for doubt, action in rows if arguments.dry_run else ():
            print_json({"doubt": doubt, "changes": doubt.batch in planned, "action": action})
        return
    if not rows:
        print("No batch of the account is in doubt since a format_time of that period.")
        return
    print_table(
        ("batch", "messages", "in doubt since", "account", "what is done"),
        (
            (doubt.batch, number(doubt.messages), format_time(doubt.since), doubt.account_name, action)
            for doubt, action in rows
        ),
    )


def confirmed(arguments: argparse.Namespace, question: str) -> bool:
    """Return whether the operator confirms the plan. Raise `BadInput` if there is no terminal to ask on."""
    if arguments.dry_run:
        if not arguments.json:
            print("Nothing was changed.")
        return False
    if arguments.yes:
        return True
    require_decision(arguments)
    print(f"{question} Type yes to go on: ", end="", flush=True)
    if sys.stdin.readline().strip().lower() == "yes":
        return True
    print("Nothing was changed.")
    return False


def require_decision(arguments: argparse.Namespace) -> None:
    if not (arguments.dry_run or arguments.yes) and (arguments.json or not sys.stdin.isatty()):
        raise BadInput("Nothing was changed, as nobody can be asked. --yes goes on, --dry-run only shows it.")
