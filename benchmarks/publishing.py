"""`python -m benchmarks.publishing MODULE COUNT`: a process that publishes so many messages and says what it took.

Before the clock starts a few messages are published, so that everything is imported and connected.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib import import_module

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


def publish(module: str, count: int, **environment: str) -> Published:
    """Has a process of its own publish by `MODULE.publish(count)`."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.publishing", module, str(count)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    return Published(**json.loads(run.stdout))


def _main(module: str, count: int) -> None:
    publisher = import_module(module)
    publisher.publish(WARM_UP_MESSAGES)
    before = _highest_mib()
    began = time.monotonic()
    publisher.publish(count)
    ended = time.monotonic()
    sys.stdout.write(json.dumps(asdict(Published(began, ended, _highest_mib() - before))))


def _highest_mib() -> float:
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
