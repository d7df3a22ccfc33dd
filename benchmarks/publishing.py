"""`python -m benchmarks.publishing MODULE COUNT [ready]`: a process that publishes messages and says what it took.

Before the clock starts a few messages are published, so that everything is imported and connected.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.messages import messages

WARM_UP_MESSAGES = 16


@dataclass(frozen=True, slots=True)
class Published:
    """`began` and `ended` by the monotonic clock; `memory_mib` is by how much the process grew at its highest."""

    began: float
    ended: float
    memory_mib: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


def publish(module: str, count: int, *, ready: bool, **environment: str) -> Published:
    """Has a process of its own publish by `MODULE.publish(messages)`.

    `ready`: the messages are made before the clock starts; else their generator is part of what is measured.
    """
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.publishing", module, str(count), *(["ready"] if ready else [])],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    return Published(**json.loads(run.stdout))


def _main(module: str, count: int, ready: bool) -> None:
    publisher = import_module(module)
    publisher.publish(messages(WARM_UP_MESSAGES))
    given: Iterable[dict[str, Any]] = list(messages(count)) if ready else messages(count)
    before = _highest_mib()
    began = time.monotonic()
    publisher.publish(given)
    ended = time.monotonic()
    sys.stdout.write(json.dumps(asdict(Published(began, ended, _highest_mib() - before))))


def _highest_mib() -> float:
    # Not getrusage: there a process that was just begun has the peak of the one that began it. Linux only.
    status = Path("/proc/self/status").read_text("utf-8")
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kibibytes) / 1024


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), "ready" in sys.argv[3:])
