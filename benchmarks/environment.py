"""What the project is measured on: a Redis with fsync always, the provider, and the processes of the Procfile."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.processes import Processes
from tests.servers import RedisServer

from benchmarks.messages import SENDER, messages
from benchmarks.provider import API_KEY, Provider
from bsg_config.settings import Settings
from bsg_config.settings_table import SETTINGS
from bsg_producer import Producer
from bsg_sandbox.state import RequestSeen

WORKERS = 2
REQUESTS_AT_ONCE = 4
"""By all workers together, whatever the design."""

_ADDRESSES = ("BSG_BASE_URL", "REDIS_URL")
_AS_SHIPPED = {
    setting.name: setting.default
    for setting in SETTINGS
    if setting.default is not None and setting.name not in _ADDRESSES
}
_UNLIMITED = {"BSG_RATE_LIMIT": "10000/s", "BSG_RATE_BURST": "1000"}


@dataclass(frozen=True, slots=True)
class Way:
    """When it began, when the last campaign was committed, and when the last message had been sent (monotonic).

    `left_after_commit` is the share of the requests that was not responded yet when the last campaign was committed;
    what was on the wire at that at counts by its time after it.
    """

    messages: int
    began: float
    committed: float
    ended: float
    left_after_commit: float

    @property
    def rate_from_enqueue(self) -> float:
        """Messages a second from the first `enqueue` to the last response."""
        return self.messages / (self.ended - self.began)

    @property
    def rate_from_commit(self) -> float:
        """The same from the last commit, of what was then left to be sent."""
        return self.messages * self.left_after_commit / (self.ended - self.committed)


class BenchmarkEnvironment:
    """Settings are the shipped ones, except for the account, the limit of the rate, and those given.

    With no workers only Redis and the provider run.
    """

    def __init__(
        self, directory: Path, provider: Provider, *, workers: int = WORKERS, in_flight: int = REQUESTS_AT_ONCE,
        **settings: str,
    ) -> None:  # fmt: skip
        self.provider = provider
        self.redis = RedisServer(directory / "redis")
        self._directory = directory
        self._workers = workers
        self._settings = {
            **_AS_SHIPPED,
            **_UNLIMITED,
            "BSG_API_KEY": API_KEY,
            "WORKER_IN_FLIGHT": str(max(1, in_flight // max(1, workers))),
            **settings,
        }
        self._sent = 0

    def __enter__(self) -> Self:
        """Start all of it; returns when the workers take tasks."""
        with ExitStack() as stack:
            stack.enter_context(self.redis)
            stack.enter_context(self.provider)
            self.processes = stack.enter_context(
                Processes(self._directory / "processes", self.redis.url, self.provider.url, **self._settings)
            )
            self.producer = Producer(Settings.from_environment(self.processes.settings))
            if self._workers:
                self.processes.all(workers=self._workers)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def warm_up(self) -> None:
        """Small campaigns through every thread, so that nothing is imported or connected while the clock runs."""
        self.send(campaigns=16, size=20)

    def send(self, *, campaigns: int, size: int) -> Way:
        """Enqueue the campaigns one after the other, all to the same recipients, and wait until all has been sent.

        The messages are made before the clock starts: making them is the caller's work.
        """
        ready = list(messages(size))
        began = time.monotonic()
        for _ in range(campaigns):
            self.producer.enqueue(ready, sender=SENDER)
            self._sent += size
        committed = time.monotonic()
        ended = self.provider.wait_for(self._sent, alive=self._alive)
        posts = [seen for seen in self.provider.posts() if seen.time > began]
        left = sum(_share_after(committed, seen) for seen in posts) / len(posts)
        return Way(campaigns * size, began, committed, ended, left)

    def _alive(self) -> bool:
        return all(process.alive for process in self.processes.running)


def _share_after(at: float, seen: RequestSeen) -> float:
    if seen.ended is None or seen.time >= at:
        return 1.0
    return max(0.0, (seen.ended - at) / (seen.ended - seen.time))
