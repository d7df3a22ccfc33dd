"""The entry point of `bsg-campaigns`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bsg_cli.errors import ExitCode


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit code: 0; 1 failed; 2 misuse or bad input; 3 Redis or BSG unreachable; 130 interrupted."""
    try:
        # The import takes a good part of a second, and the user may press Ctrl-C meanwhile.
        from bsg_cli.command_line import run_command_line

        return run_command_line(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
