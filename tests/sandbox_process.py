"""The sandbox as a process of its own: what arrives there is held against what was sent by another process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import getpid
from pathlib import Path

from bsg_sandbox.control import Control


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    url: str
    process_id: int

    @property
    def control(self) -> Control:
        return Control(self.url)


@contextmanager
def sandbox_process(log: Path, *, seed: int, latency: float = 0.0) -> Iterator[SandboxProcess]:
    """Return requests while the context is open. `latency`: seconds before each response."""
    words = ["--seed", str(seed), "--latency", f"{latency:g}", "--parent", str(getpid())]
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "bsg_sandbox", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    try:
        if process.stdout is None:
            raise RuntimeError("the sandbox has no output")
        yield SandboxProcess(json.loads(process.stdout.readline())["url"], process.pid)
    finally:
        process.kill()
        process.wait()
