"""Runs a module inside a copy of the project, in a process that has the libraries loaded already.

Loading them takes longer than most of the tests do. They come from a process of multiprocessing's that loads them once
and forks; our own packages are loaded anew, from the copy.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, cast

FLOORS = (
    *("config", "messages", "ledger", "client", "broker", "producer", "worker", "monitor", "cli"),
    *("campaigns_django", "sandbox"),
)
OURS = frozenset({"tests", *(f"bsg_{floor}" for floor in FLOORS)})
LIBRARIES = [
    "celery",
    "django",
    "environs",
    "hypothesis",
    "jinja2",
    "kombu",
    "marshmallow",
    "pytest",
    "redis",
    "requests",
]
NOT_THE_COPY = 70  # an exit code that neither pytest nor the exploration has

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([*LIBRARIES, "zstandard"])


def run_inside(directory: Path, words: Sequence[str], log: Path, seconds: float) -> int | None:
    """Return the exit code of `python -m WORDS`, None if it had to be ended. What it prints is in `log`."""
    process = _processes.Process(target=_run, args=(directory.resolve(), list(words), log))
    process.start()
    try:
        process.join(seconds)
        return process.exitcode
    finally:
        process.kill()
        with suppress(ProcessLookupError):
            os.killpg(cast(int, process.pid), signal.SIGKILL)  # what it started and did not end
        process.join()


def _run(directory: Path, words: Sequence[str], log: Path) -> NoReturn:
    os.setsid()
    with log.open("wb") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    path = [str(directory), *(str(directory / floor) for floor in FLOORS)]
    sys.path[:0] = path
    os.environ["PYTHONPATH"] = os.pathsep.join(path)  # for what the tests start
    os.environ["COLUMNS"] = "400"  # for what pytest prints in a line
    os.chdir(directory)
    sys.argv = list(words)
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    finally:
        if outside := _not_of(directory):
            print("not the copy:", *outside)
            sys.exit(NOT_THE_COPY)
    sys.exit(0)


def _not_of(directory: Path) -> list[str]:
    """Our own modules that were loaded from elsewhere: then no guard would be undone at all."""
    loaded = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    ours = {name: Path(file) for name, file in loaded.items() if file and name.partition(".")[0] in OURS}
    return [name for name, file in ours.items() if not file.resolve().is_relative_to(directory)]
