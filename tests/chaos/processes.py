"""The processes under chaos: each is started again when it ends, as `up` and every orchestrator do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.chaos.plan import BEATS, PRODUCERS, STATUS_WORKERS, STREAM_PRODUCERS, WORKERS, clock_skew
from tests.failpoints.arming import ENVIRONMENT, arm
from tests.processes import beat_arguments, status_arguments, worker_arguments

BACKOFF_SECONDS = 0.5
STOP_WITHIN = 15.0
LAST_LINES = 40


@dataclass(slots=True)
class Supervised:
    """One process by its name. `arguments` makes the command line of its nth start.

    `may_end`: once it exits with 0, it is not started again; then `ended`.
    """

    name: str
    arguments: Callable[[int], Sequence[str]]
    environment: Mapping[str, str] = field(repr=False)
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    start_at: float = 0.0
    may_end: bool = False
    ended: bool = False


class Processes:
    """All of them, by name. Leaving the context kills whatever still runs."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.by_name: dict[str, Supervised] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for supervised in self.by_name.values():
            if supervised.process is not None:
                supervised.process.kill()
        for supervised in self.by_name.values():
            if supervised.process is not None:
                supervised.process.wait(STOP_WITHIN)

    def add_celery(self, seed: int, directory: Path, settings: Mapping[str, str]) -> None:
        """Workers, status workers and beats, each with a clock of its own."""
        commands = {
            **{name: worker_arguments(name) for name in WORKERS},
            **{name: status_arguments(name) for name in STATUS_WORKERS},
            **{name: beat_arguments() for name in BEATS},
        }
        for name, arguments in commands.items():
            self._add(name, _with_skewed_clock(seed, name, arguments), settings)

    def add_producers(self, seed: int, directory: Path, settings: Mapping[str, str]) -> None:
        """Those that enqueue, and those that send through streams, which may be asked to die at a failpoint."""
        for number, name in enumerate((*PRODUCERS, *STREAM_PRODUCERS)):
            program = "producer_process" if name in PRODUCERS else "stream_producer_process"
            command = ("-m", f"tests.chaos.{program}", str(directory), str(seed), str(number))
            failpoints = {ENVIRONMENT: str(arm(self.armed(name)))} if name in STREAM_PRODUCERS else {}
            self._add(name, lambda _, command=command: command, {**settings, **failpoints})  # type: ignore[misc]

    def look_after(self) -> None:
        """Start what has ended, after a backoff. To be called every now and then."""
        now = time.monotonic()
        for supervised in self.by_name.values():
            if supervised.process is not None and supervised.process.poll() is not None:
                supervised.ended = supervised.may_end and supervised.process.poll() == 0
                supervised.process = None
                supervised.start_at = now + BACKOFF_SECONDS
            if supervised.process is None and not supervised.ended and now >= supervised.start_at:
                self._start(supervised)

    def signal(self, name: str, number: signal.Signals) -> bool:
        """Return whether the process was there to get it."""
        process = self.by_name[name].process
        if process is None or process.poll() is not None:
            return False
        process.send_signal(number)
        return True

    def armed(self, name: str) -> Path:
        """Return the directory of the failpoints at which a producer of messages of streams dies."""
        return self.logs / f"{name}.failpoints"

    def thaw(self) -> None:
        """SIGCONT to all."""
        for name in self.by_name:
            self.signal(name, signal.SIGCONT)

    def running(self) -> list[str]:
        return [name for name, each in self.by_name.items() if each.process is not None and each.process.poll() is None]

    @property
    def starts(self) -> int:
        return sum(supervised.starts for supervised in self.by_name.values())

    def last_lines(self, name: str) -> str:
        path = self.logs / f"{name}.log"
        return "\n".join(path.read_text("utf-8", "replace").splitlines()[-LAST_LINES:]) if path.exists() else ""

    def _add(self, name: str, arguments: Callable[[int], Sequence[str]], settings: Mapping[str, str]) -> None:
        self.by_name[name] = Supervised(name, arguments, {**os.environ, "PYTHONUNBUFFERED": "1", **settings})

    def _start(self, supervised: Supervised) -> None:
        # In the process group of the run, not in one of its own: the parent guard of `__main__` ends the whole group.
        with (self.logs / f"{supervised.name}.log").open("ab") as log, suppress(BlockingIOError):
            supervised.process = subprocess.Popen(
                [sys.executable, *supervised.arguments(supervised.starts)],
                env=dict(supervised.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            supervised.starts += 1


def _with_skewed_clock(seed: int, name: str, arguments: Sequence[str]) -> Callable[[int], Sequence[str]]:
    return lambda start: ("-m", "tests.clock_skew", f"{clock_skew(seed, name, start):.0f}", *arguments)
