"""A usual design at work: Redis with the project's settings, the provider, and the design's worker processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers import RedisServer

from benchmarks.designs import Design
from benchmarks.provider import Provider
from benchmarks.publishing import WARM_UP_MESSAGES, publish
from benchmarks.receipts import milliseconds_to_receipt

_STOP_WITHIN = 10.0


class RunningDesign:
    def __init__(self, directory: Path, provider: Provider, design: Design) -> None:
        self._redis = RedisServer(directory / "redis")
        self._provider = provider
        self._design = design
        self._log = directory / "workers.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._sent = 0

    def __enter__(self) -> Self:
        self._redis.start()
        self._provider.__enter__()
        self._environment = {"REDIS_URL": self._redis.url, "PROVIDER_URL": self._provider.url}
        with self._log.open("wb") as log:
            for command in self._design.workers:
                self._processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", *command],
                        env={**os.environ, **self._environment},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,  # a group of its own, as some of them have children
                    )
                )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_WITHIN)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._provider.__exit__(None, None, None)
        self._redis.stop()

    def rate(self, count: int) -> float:
        """Return the messages a second from the first that is published to the last response, once the workers are
        warm."""
        self._publish(WARM_UP_MESSAGES)
        began, ended = self._publish(count)
        return count / (ended - began)

    def milliseconds_to_receipt(self, count: int) -> list[float]:
        """Return for each message, sent alone, the time until the provider has responded, its latency left out."""
        self._publish(WARM_UP_MESSAGES)
        return milliseconds_to_receipt(self._design.module, count, self._provider, **self._environment)

    def _publish(self, count: int) -> tuple[float, float]:
        published = publish(self._design.module, count, ready=True, **self._environment)
        self._sent += WARM_UP_MESSAGES + count
        return published.began, self._provider.wait_for(self._sent, alive=self._alive)

    def _alive(self) -> bool:
        return all(process.poll() is None for process in self._processes)
