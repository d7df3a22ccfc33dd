"""The command line's expected failures: their messages and exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    MISUSE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class CommandError(Exception):
    """An expected failure: `str()` says what, where, and what to do; the process ends with `exit_code`."""

    exit_code = ExitCode.FAILED


class BadInput(CommandError):
    """Wrong arguments, settings or files."""

    exit_code = ExitCode.MISUSE


class Unreachable(CommandError):
    """Redis or BSG does not respond."""

    exit_code = ExitCode.UNREACHABLE


@contextmanager
def needing_worker() -> Iterator[None]:
    """Import what needs the worker's packages. Raise BadInput, with the remedy, if they are not installed."""
    try:
        yield
    except ImportError:
        raise BadInput("The worker is not installed: pip install 'bsg-campaigns[worker]'") from None
