"""Run one command, and end it when the other end of standard input closes for any reason.

    python -I -S parent_guard.py GRACE_SECONDS [--pass-descriptor N] -- COMMAND...

The parent holds a pipe to the guard's standard input. Every POSIX system closes that pipe even when the parent is
killed with SIGKILL, so nothing outlives it. The command's process group gets SIGTERM, and SIGKILL after the grace.
SIGTERM to the guard does the same; SIGQUIT skips the grace. The exit code is the command's, or 128 + the number of the
signal that ended it.

This file is run by path. It imports nothing of the project, so that it starts in milliseconds and takes little memory.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

CANNOT_START = 127
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
KILLING = signal.SIGQUIT


def main(arguments: Sequence[str]) -> int:
    """Return the command's exit code once the command and its process group are gone."""
    separator = arguments.index("--")
    grace = float(arguments[0])
    descriptors = [int(number) for number in arguments[2:separator:2]]
    woken, waking = os.pipe()
    for end in (woken, waking):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, *STOPPING, KILLING):
        signal.signal(number, _only_wake)
    command = list(arguments[separator + 1 :])
    try:
        # The command's children are in its group, so they end with it.
        child = subprocess.Popen(  # noqa: S603 - our own process's command, no shell
            command, stdin=subprocess.DEVNULL, process_group=0, pass_fds=descriptors
        )
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        return CANNOT_START
    try:
        _hold(child, woken, grace)
    finally:
        _signal_group(child, signal.SIGKILL)
        child.wait()
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _hold(child: subprocess.Popen[bytes], woken: int, grace: float) -> None:
    """Return when the child has ended, or has to be killed."""
    held_by = sys.stdin.fileno()
    watched = [held_by, woken]
    kill_at: float | None = None
    while child.poll() is None:
        left = None if kill_at is None else max(0.0, kill_at - time.monotonic())
        ready, _, _ = select.select(watched, [], [], left)
        received = os.read(woken, 4096) if woken in ready else b""
        asked = any(number in STOPPING for number in received)
        if held_by in ready and not os.read(held_by, 4096):
            watched.remove(held_by)
            asked = True
        if KILLING in received or (kill_at is not None and time.monotonic() >= kill_at):
            return
        if asked and kill_at is None:
            _signal_group(child, signal.SIGTERM)
            kill_at = time.monotonic() + grace


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _only_wake(*_: object) -> None:
    """Do nothing. Python writes a signal's number to the wakeup descriptor only if the signal has a handler."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
