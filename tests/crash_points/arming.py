"""Which points kill: a directory with a file for each, which whoever dies there takes away."""

from __future__ import annotations

from pathlib import Path

from bsg_config.crash_points import CrashPoint


def arm(directory: Path, *points: CrashPoint) -> Path:
    """Has the next process with that directory in BSG_CRASH_AT die at each of the points, once; answers it."""
    directory.mkdir(parents=True, exist_ok=True)
    for point in points:
        (directory / point).touch()
    return directory


def disarm(directory: Path) -> None:
    for point in armed(directory):
        (directory / point).unlink(missing_ok=True)


def armed(directory: Path) -> frozenset[CrashPoint]:
    """The points at which nobody has died yet."""
    return frozenset(CrashPoint(path.name) for path in directory.iterdir())
