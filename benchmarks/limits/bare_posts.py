"""`python -m benchmarks.limits.bare_posts URL REQUESTS`: ready-made bodies, posted by `requests` in four threads.

No validation, no durability, no queue: the wire as it is. Prints the messages a second as one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import requests

from benchmarks.messages import MESSAGES_A_BATCH, rows
from benchmarks.provider import API_KEY, PATH, Provider

THREADS = 4
DIFFERENT_BODIES = 8


def measured(latency: float, posts: int) -> float:
    """Return the messages a second, of a process of its own, against a provider of its own."""
    with Provider(latency=latency) as provider:
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks.limits.bare_posts", provider.url, str(posts)],
            stdout=subprocess.PIPE,
            check=True,
        )
        return float(json.loads(run.stdout)["messages_a_second"])


def _post(url: str, bodies: SimpleQueue[bytes]) -> None:
    with requests.Session() as session:
        session.headers.update({"X-API-KEY": API_KEY, "Content-Type": "application/json"})
        while not bodies.empty():
            session.post(url, data=bodies.get(), timeout=60).raise_for_status()


def _run(url: str, posts: int) -> float:
    made = [
        json.dumps({"messages": rows(MESSAGES_A_BATCH, first=number * MESSAGES_A_BATCH)}, ensure_ascii=False,
                   separators=(",", ":")).encode()
        for number in range(DIFFERENT_BODIES)
    ]  # fmt: skip
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as threads:
        for share in range(THREADS):
            # A queue of each thread's own: emptiness is then certain.
            bodies: SimpleQueue[bytes] = SimpleQueue()
            for number in range(share, posts, THREADS):
                bodies.put(made[number % DIFFERENT_BODIES])
            threads.submit(_post, url + PATH, bodies)
    return posts * MESSAGES_A_BATCH / (time.monotonic() - began)


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"messages_a_second": _run(sys.argv[1], int(sys.argv[2]))}))
