"""`sandbox`: BSG One API on loopback."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bsg_cli.errors import BadInput, ExitCode


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    # The sandbox parses its own arguments, because it can run without this command line.
    commands.add_parser("sandbox", add_help=False, help="run BSG One API's sandbox on loopback")


def run(arguments: Sequence[str]) -> int:
    """Serve until Ctrl-C, with the sandbox's own arguments; return its exit code."""
    try:
        from bsg_sandbox.__main__ import main
    except ImportError:
        raise BadInput("The sandbox is not installed: pip install 'bsg-campaigns[sandbox]'") from None
    # It prints JSON with or without the option --json that the other commands have.
    return ExitCode(main([word for word in arguments if word != "--json"]))
