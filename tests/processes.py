"""Real Celery processes for the scenarios, which they may also kill, freeze and start again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bsg_broker.queues import DISPATCH_QUEUE

READY_WITHIN = 60.0
STOP_WITHIN = 90.0
MIN_PAUSE, MAX_PAUSE = 0.02, 0.1
TIMES_LONGER_BESIDE_OTHERS = 3.0
_ALONE = ("--without-mingle", "--without-gossip")

# Short times, so that a scenario takes seconds. Every rule between the settings still holds.
QUICK = {
    "BSG_API_KEY": "live_sandbox",
    "BSG_RATE_LIMIT": "1000/s",
    "BSG_RATE_BURST": "100",
    "BSG_STATUS_RATE_LIMIT": "1000/s",
    "BSG_CONNECT_TIMEOUT": "0.4",
    "BSG_READ_TIMEOUT": "0.8",
    "BSG_CONFIRM_WITHIN": "0.4",
    "BSG_POLL_INTERVAL": "0.3",
    "LEASE_SECONDS": "4",
    "SWEEP_INTERVAL": "0.5",
    "RETRY_BACKOFF_BASE": "0.1",
    "RETRY_BACKOFF_CAP": "0.5",
    "CAMPAIGN_BATCH_SIZE": "100",
}


def worker_arguments(name: str, application: str = "bsg_worker", log_level: str = "INFO") -> tuple[str, ...]:
    """Return what follows `celery` on the command line of a worker that prepares and submits."""
    return (
        *("-A", application, "worker", "-P", "threads", "-c", "8", *_ALONE, "-Q", DISPATCH_QUEUE),
        *_named(name, log_level),
    )


def status_arguments(name: str, log_level: str = "INFO") -> tuple[str, ...]:
    return (
        *("-A", "bsg_worker", "worker", "-P", "threads", "-c", "4", *_ALONE, "-Q", "status"),
        *_named(name, log_level),
    )


def beat_arguments() -> tuple[str, ...]:
    return ("-A", "bsg_worker", "beat", "--pidfile", "", "--loglevel", "INFO")


def _named(name: str, log_level: str) -> tuple[str, ...]:
    return ("-n", f"{name}@%h", "--loglevel", log_level)


class CeleryProcess:
    """One `celery` process with its log in a file. `arguments` begin with the module that Python runs."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, ready: str) -> None:
        self.log = log
        self._ready = ready
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, f"it ended at once:\n{self.log.read_text()}"
            return self._ready in self.log.read_text()

        wait_until(ready, within=READY_WITHIN, what=f"{self.log.name} to be ready")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """Return a warm shutdown, as an orchestrator does it; return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    @property
    def alive(self) -> bool:
        return self.process.poll() is None


class Processes:
    """The processes of one scenario, all with the same environment. Leaving the context ends them."""

    def __init__(
        self,
        directory: Path,
        redis_url: str,
        base_url: str,
        *,
        application: str = "bsg_worker",
        log_level: str = "INFO",
        **settings: str,
    ) -> None:
        self.directory = directory
        self._log_level = log_level
        self._application = application
        self.settings = {**QUICK, "REDIS_URL": redis_url, "BSG_BASE_URL": base_url, **settings}
        self._running: list[CeleryProcess] = []
        self._starts: dict[CeleryProcess, Callable[[], CeleryProcess]] = {}

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            if process.alive:
                process.process.send_signal(signal.SIGTERM)
        for process in self._running:
            process.stop()

    def worker(self, **settings: str) -> CeleryProcess:
        name = f"worker{len(self._running)}"
        return self._start(name, worker_arguments(name, self._application, self._log_level), "ready.", settings)

    def status(self, *, clock_skew: float = 0.0, **settings: str) -> CeleryProcess:
        """`clock_skew`: seconds by which its wall clock is ahead."""
        name = f"status{len(self._running)}"
        return self._start(name, status_arguments(name, self._log_level), "ready.", settings, clock_skew)

    def beat(self, **settings: str) -> CeleryProcess:
        name = f"beat{len(self._running)}"
        return self._start(name, beat_arguments(), "beat: Starting", settings)

    def all(self, workers: int = 1) -> Self:
        """Return what the Procfile runs, without Flower; returns when all of it is ready."""
        for process in [*(self.worker() for _ in range(workers)), self.status(), self.beat()]:
            process.wait_until_ready()
        return self

    def _start(
        self, name: str, arguments: Sequence[str], ready: str, settings: Mapping[str, str], clock_skew: float = 0.0
    ) -> CeleryProcess:
        environment = {**os.environ, **self.settings, **settings}
        program = ("tests.clock_skew", f"{clock_skew:g}") if clock_skew else ("celery",)
        if "FAILPOINTS" in environment:
            program = ("tests.failpoints.program", *program)
        process = CeleryProcess((*program, *arguments), environment, self.directory / f"{name}.log", ready)
        self._running.append(process)
        self._starts[process] = lambda: self._start(name, arguments, ready, settings, clock_skew)
        return process

    def restart_what_ended(self) -> None:
        """As `up` or an orchestrator does: Celery ends itself on some failures of Redis."""
        for process in [process for process in self._running if not process.alive]:
            self._running.remove(process)
            self._starts.pop(process)()

    @property
    def running(self) -> list[CeleryProcess]:
        return list(self._running)

    def logs(self) -> str:
        return "\n".join(f"== {path.name}\n{path.read_text()}" for path in sorted(self.directory.glob("*.log")))


def wait_until(
    condition: Callable[[], object], *, within: float = READY_WITHIN, what: str = "", pause: float | None = None
) -> None:
    """Return as soon as the condition holds, and fail when it does not `within` seconds.

    It is asked every `pause` seconds, by default ever less often: questions that many tests ask at once slow down what
    they wait for. Beside other tests more time is given, except to what must have come at once.
    """
    beside_others = "PYTEST_XDIST_WORKER" in os.environ and within >= 1.0
    stop_at = time.monotonic() + within * (TIMES_LONGER_BESIDE_OTHERS if beside_others else 1.0)
    next_pause = MIN_PAUSE if pause is None else pause
    while not condition():
        assert time.monotonic() < stop_at, f"waited {within:g} s in vain for {what or condition}"
        time.sleep(next_pause)
        if pause is None:
            next_pause = min(next_pause * 1.05, MAX_PAUSE)
