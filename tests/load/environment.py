"""What the load runs on: Redis, the sandbox, workers, a status worker, beat, producers, each a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_producer import Producer
from tests.chaos.journal import Journal
from tests.load.producer_process import BULK_PRODUCERS
from tests.processes import QUICK, CeleryProcess, Processes
from tests.sandbox_process import sandbox_process
from tests.servers import Kind, RedisServer

BATCH_SIZE = 1000
BALANCE = 1_000_000.0

# Production's, as .env.example has them, but for what BSG's contract sets: the processes are to be the limit here. And
# small batches make a long line of them, in which large campaigns could keep small ones waiting.
SETTINGS = {
    **dict.fromkeys(QUICK, ""),
    "BSG_API_KEY": QUICK["BSG_API_KEY"],
    "BSG_RATE_LIMIT": "1000/s",
    "BSG_RATE_BURST": "100",
    "BSG_STATUS_RATE_LIMIT": "1000/s",
    "CAMPAIGN_BATCH_SIZE": str(BATCH_SIZE),
}


@dataclass(frozen=True, slots=True)
class Size:
    """How much of what a run has. `latency`: seconds before each response of BSG's."""

    messages: int
    campaigns: int
    workers: int
    latency: float


@dataclass(frozen=True, slots=True)
class RedisMemory:
    """In bytes: what Redis holds, and the most that it has held."""

    used: int
    peak: int


class LoadEnvironment:
    """Entering starts all but producers and workers; leaving ends everything."""

    def __init__(self, directory: Path, seed: int, size: Size, server_kind: Kind) -> None:
        self.directory = directory
        self.redis = RedisServer(directory / "redis", server_kind)
        self._seed = seed
        self._size = size
        self._stack = ExitStack()
        self._producers: list[subprocess.Popen[bytes]] = []
        self._workers: list[CeleryProcess] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.redis)
            self.sandbox = stack.enter_context(
                sandbox_process(self.directory / "sandbox.log", seed=self._seed, latency=self._size.latency)
            )
            self.sandbox.control.put_account(SETTINGS["BSG_API_KEY"], balance=BALANCE)
            self._processes = stack.enter_context(
                Processes(self.directory / "celery", self.redis.url, self.sandbox.url, **SETTINGS)
            )
            self.settings = Settings.from_environment(self._processes.settings)
            self.producer = Producer(self.settings)
            self.ledger = Ledger(connect(self.settings))
            stack.callback(self._end_producers)
            self._status = self._processes.status()
            for process in (self._status, self._processes.beat()):
                process.wait_until_ready()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start_producers(self) -> None:
        for number in range(BULK_PRODUCERS + 1):
            load = (self._seed, self._size.messages, self._size.campaigns, self.sandbox.url)
            words = [str(word) for word in (*load, self._journal(number), number)]
            with (self.directory / f"producer{number}.log").open("ab") as log:
                self._producers.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "tests.load.producer_process", *words],
                        env={**os.environ, **self._processes.settings},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                    )
                )

    def start_workers(self) -> None:
        """Return when all of them take tasks."""
        self._workers = [self._processes.worker() for _ in range(self._size.workers)]
        for worker in self._workers:
            worker.wait_until_ready()

    def receipts(self) -> dict[int, set[str]]:
        """Return the ids that `enqueue` returned for each campaign, by its number: one, or some key was not held to."""
        receipts: dict[int, set[str]] = {}
        for number in range(BULK_PRODUCERS + 1):
            for entry in Journal(self._journal(number)).entries():
                if entry.word == "receipt":
                    receipts.setdefault(entry.number, set()).add(entry.detail)
        return receipts

    def process_ids(self) -> dict[str, list[int]]:
        """By kind of process."""
        return {
            "producer": [each.pid for each in self._producers],
            "worker": [each.process.pid for each in self._workers],
            "status worker": [self._status.process.pid],
            "sandbox": [self.sandbox.process_id],
        }

    def redis_memory(self) -> RedisMemory:
        with self.redis.client() as client:
            memory: Any = client.info("memory")
        return RedisMemory(used=memory["used_memory"], peak=memory["used_memory_peak"])

    def queue_lengths(self, queues: Iterable[str]) -> dict[str, int]:
        with self.redis.client() as client:
            lengths: Any = {queue: client.llen(queue) for queue in queues}
        return {queue: length for queue, length in lengths.items() if length}

    def ended_badly(self) -> str:
        """Return the logs of what has ended and should not have; "" when all is well."""
        failed = [each for each in (*self._workers, self._status) if not each.alive]
        logs = [each.log for each in failed]
        logs += [
            self.directory / f"producer{number}.log"
            for number, each in enumerate(self._producers)
            if each.poll() not in (None, 0)
        ]
        return "\n".join(f"== {log.name}\n{log.read_text('utf-8', 'replace')[-2000:]}" for log in logs)

    def _journal(self, number: int) -> Path:
        return self.directory / f"producer{number}.journal"

    def _end_producers(self) -> None:
        for process in self._producers:
            process.kill()
        for process in self._producers:
            process.wait()
