"""A long run in a guarded process: the process and its children end with its parent."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bsg_cli.guarded_command import GuardedCommand

GUARDED = "--guarded"  # marks the guarded process
INTERRUPTED = 130
GRACE_SECONDS = 20.0


def run_guarded(module: str, words: Sequence[str]) -> int:
    """Run `python -m MODULE WORDS` to its end, or until this process is interrupted. Return the exit code."""
    run = GuardedCommand([sys.executable, "-m", module, *words, GUARDED], grace_seconds=GRACE_SECONDS, errors=None)
    try:
        return run.wait()
    except KeyboardInterrupt:
        run.stop()
        return INTERRUPTED
