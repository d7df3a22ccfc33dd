"""The processes that die: real ones, ended by SIGKILL, and started again at once as an orchestrator does."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.failpoints import programs
from tests.failpoints.arming import ENVIRONMENT
from tests.processes import beat_arguments, status_arguments, worker_arguments

WORKER = "worker"
STATUS = "status"
COMMAND = "command"
QUICK_START = ("--without-mingle", "--without-gossip")
STOP_WITHIN = 10.0

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.failpoints.preloaded"])


@dataclass(slots=True)
class Supervised:
    """`may_end`: once it exits with 0 it has done what it was for."""

    start: Callable[[], ForkServerProcess]
    process: ForkServerProcess
    may_end: bool = False


class Processes:
    """A worker, a status worker, beat, and at times a command. Leaving the context kills them."""

    def __init__(self, directory: Path, settings: Mapping[str, str], armed: Path) -> None:
        self._directory = directory
        self._environment = {**os.environ, **settings, ENVIRONMENT: str(armed)}
        self._running: dict[str, Supervised] = {}
        self.kills = 0
        self.last_death: dict[str, datetime] = {}

    def __enter__(self) -> Self:
        self.start_worker()
        self.start_status()
        self._celery("beat", beat_arguments())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._running):
            self.end(name)

    def start_worker(self) -> None:
        if WORKER not in self._running:
            self._celery(WORKER, (*worker_arguments(WORKER), *QUICK_START))

    def start_status(self) -> None:
        if STATUS not in self._running:
            self._celery(STATUS, (*status_arguments(STATUS), *QUICK_START))

    def end(self, name: str) -> None:
        """End it for good, which counts as no kill."""
        process = self._running.pop(name).process
        process.kill()
        process.join(STOP_WITHIN)

    def command(self, program: Callable[..., None], *arguments: Any, **settings: str) -> None:
        """Run a program of `programs` until it has done what it is for."""
        self._run(COMMAND, program, arguments, settings, may_end=True)

    @property
    def command_runs(self) -> bool:
        return COMMAND in self._running

    def died_since(self, moment: datetime, *names: str) -> bool:
        """Return whether one of them did. Without names: of those that take work into their hands, the worker or a
        command."""
        return any(self.last_death.get(name, moment) > moment for name in names or (WORKER, COMMAND))

    def look_after(self) -> None:
        """Start what has ended. To be called every now and then."""
        for name, supervised in list(self._running.items()):
            code = supervised.process.exitcode
            if code is None:
                continue
            self.kills += code == -signal.SIGKILL
            if code == 0 and supervised.may_end:
                del self._running[name]
            else:
                self.last_death[name] = datetime.now(UTC)
                supervised.process = supervised.start()

    def _celery(self, name: str, arguments: tuple[str, ...]) -> None:
        self._run(name, programs.celery, (arguments,), {})

    def _run(
        self,
        name: str,
        program: Callable[..., None],
        arguments: tuple[Any, ...],
        settings: Mapping[str, str],
        *,
        may_end: bool = False,
    ) -> None:
        environment = {**self._environment, **settings}
        log = self._directory / f"{name}.log"

        def start() -> ForkServerProcess:
            process = CONTEXT.Process(target=program, args=(environment, log, *arguments))
            process.start()
            return process

        self._running[name] = Supervised(start, start(), may_end)
