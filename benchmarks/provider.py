"""The provider of the benchmarks: the sandbox in its own process. It counts what arrives and keeps none of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from os import getpid
from types import TracebackType
from typing import Self

from tests.processes import wait_until

from bsg_sandbox.control import Control
from bsg_sandbox.state import RequestSeen

API_KEY = "live_sandbox"
PATH = "/api/campaigns/sms/send-individual"
_GIVEN_UP_AFTER = 300.0


class Provider:
    """`latency`: seconds before each response. `sink`: count what is posted and do not look into it."""

    def __init__(self, *, latency: float = 0.0, sink: bool = True) -> None:
        self.latency = latency
        self._arguments = ["--latency", f"{latency:g}", "--parent", str(getpid()), *(["--sink"] if sink else [])]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bsg_sandbox", *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        if self._process.stdout is None:
            raise RuntimeError("the sandbox has no output")
        self.url: str = json.loads(self._process.stdout.readline())["url"]
        self.control = Control(self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def process_id(self) -> int:
        return self._process.pid

    def wait_for(self, messages: int, *, alive: Callable[[], bool] = lambda: True) -> float:
        """Wait until so many messages have arrived in all; return when the last POST got its response.

        That is by `time.monotonic()`, one clock for all processes of a machine. It is read from the sandbox's log, so
        that asking may be seldom and costs what is measured nothing.
        """

        def arrived() -> bool:
            if not alive():
                raise RuntimeError("a process of the measurement has ended")
            return self.control.summary().messages >= messages

        wait_until(arrived, within=_GIVEN_UP_AFTER, pause=0.1, what=f"{messages} messages at the provider")
        wait_until(lambda: all(seen.ended for seen in self.posts()), within=_GIVEN_UP_AFTER, what="the last response")
        return max(seen.ended or 0.0 for seen in self.posts())

    def posts(self) -> list[RequestSeen]:
        return [seen for seen in self.control.requests() if seen.path == PATH]
