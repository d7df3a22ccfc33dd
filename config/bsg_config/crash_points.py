"""Named moments between two effects, at which a test can make this very process die."""

from __future__ import annotations

import os
import signal
from pathlib import Path

ENVIRONMENT = "BSG_CRASH_AT"


def reached(point: str) -> None:
    """Does nothing, unless BSG_CRASH_AT names this point ("NAME", or "NAME@FILE" to die only while FILE is absent).

    With a file, the first process to come by creates it and dies: the recovery then runs through.
    """
    wanted = os.environ.get(ENVIRONMENT)
    if wanted is None:
        return
    name, _, once = wanted.partition("@")
    if name != point:
        return
    if once:
        try:
            Path(once).open("x").close()
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
