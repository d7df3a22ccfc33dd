"""`python -m benchmarks.waiting MODULE THREADS CALLS`: how long threads wait until their one message is published.

Each thread calls again as soon as it has its response. Prints milliseconds as one line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import import_module
from statistics import quantiles

from benchmarks.messages import messages

WARM_UP_CALLS = 20


@dataclass(frozen=True, slots=True)
class Waited:
    """Milliseconds that half of the calls, and all but one in a hundred, took."""

    half: float
    percentile_99: float


def waited(module: str, *, threads: int, calls: int, **environment: str) -> Waited:
    """Has a process of its own make so many calls in all."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.waiting", module, str(threads), str(calls)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    return Waited(**json.loads(run.stdout))


def _main(module: str, threads: int, calls: int) -> None:
    publish = import_module(module).publish
    message = list(messages(1))
    begin = threading.Barrier(threads)

    def call() -> list[float]:
        for _ in range(WARM_UP_CALLS):
            publish(message)
        begin.wait()
        milliseconds = []
        for _ in range(calls // threads):
            began = time.perf_counter()
            publish(message)
            milliseconds.append((time.perf_counter() - began) * 1000)
        return milliseconds

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(call) for _ in range(threads)]
        hundredths = quantiles([each for done in running for each in done.result()], n=100)
    sys.stdout.write(json.dumps(asdict(Waited(hundredths[49], hundredths[98]))))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
