"""A long run as a process that cannot outlive whoever started it, and neither can anything that it starts."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bsg_cli.leashed import LeashedCommand

ON_A_LEASH = "--on-a-leash"  # tells the run that it is the one on the leash
INTERRUPTED = 130
GRACE_SECONDS = 20.0


def run_on_a_leash(module: str, words: Sequence[str]) -> int:
    """Runs `python -m MODULE WORDS` to its end, or until this process is interrupted; answers the exit code."""
    run = LeashedCommand([sys.executable, "-m", module, *words, ON_A_LEASH], grace_seconds=GRACE_SECONDS, errors=None)
    try:
        return run.wait()
    except KeyboardInterrupt:
        run.stop()
        return INTERRUPTED
