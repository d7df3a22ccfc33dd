"""At which failpoints processes die: a directory with a file for each, which the process that dies there takes away.

A point may be distinguished from others of its name by the effect before it in the same thread, sleeps left out:
`after sleep (after script check_for_rollback)`.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

from tests.failpoints.doors import watch
from tests.failpoints.effects import NOTHING, SLEEP

ENVIRONMENT = "FAILPOINTS"
_SEEN = "seen"


def arm(directory: Path, *points: str) -> Path:
    """Has the next process with that directory in FAILPOINTS die at each of the points, once; returns it."""
    directory.mkdir(parents=True, exist_ok=True)
    for point in points:
        (directory / point).touch()
    return directory


def disarm(directory: Path) -> None:
    for point in armed(directory):
        (directory / point).unlink(missing_ok=True)


def armed(directory: Path) -> frozenset[str]:
    """Return the points at which nobody has died yet."""
    return frozenset(path.name for path in directory.iterdir() if path.is_file())


def keep_seen(directory: Path) -> None:
    """Has the processes with that directory write down which failpoints they pass."""
    (directory / _SEEN).mkdir(parents=True)


def seen(directory: Path) -> frozenset[str]:
    return frozenset(path.name for path in (directory / _SEEN).iterdir())


def install() -> None:
    """Has this process die where it is asked for. Without FAILPOINTS in its environment nothing is installed."""
    if (directory := os.environ.get(ENVIRONMENT)) is not None:
        watch(Deaths(Path(directory)).pass_by)


class Deaths(threading.local):
    """Where this process dies. `_before`: the last effect of the thread."""

    _before = ""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._notes = directory / _SEEN if (directory / _SEEN).is_dir() else None
        self._noted: set[str] = set()

    def pass_by(self, point: str) -> None:
        """The first process to come by an armed point dies by SIGKILL; the next one passes."""
        if self._notes is not None and point not in self._noted:
            self._noted.add(point)
            (self._notes / point).touch()
        for name in (point, f"{point} (after {self._before})"):
            with suppress(FileNotFoundError):
                (self._directory / name).unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        when, _, effect = point.partition(" ")
        if when == "after" and effect != SLEEP:
            self._before = effect.removesuffix(NOTHING)
