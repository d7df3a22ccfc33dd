"""`python -m benchmarks.receipts MODULE COUNT`: a process that publishes messages, each when the provider has the last.

Prints the times at which it published, by the monotonic clock, as one line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib import import_module

from tests.processes import wait_until

from benchmarks.messages import messages
from benchmarks.provider import Provider
from bsg_sandbox.control import Control

WARM_UP_MESSAGES = 10
_PAUSE = 0.05
_GIVEN_UP_AFTER = 60.0


def milliseconds_to_receipt(module: str, count: int, provider: Provider, **environment: str) -> list[float]:
    """Return for each message the time until the provider has responded, its latency left out.

    A process of its own publishes them by `MODULE.publish(messages)`. Nothing else may be sent meanwhile.
    """
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.receipts", module, str(count)],
        env={**os.environ, **environment, "PROVIDER_URL": provider.url},
        stdout=subprocess.PIPE,
        check=True,
    )
    published = json.loads(run.stdout)
    ended = [seen.ended for seen in provider.posts() if seen.ended is not None and seen.time >= published[0]]
    if len(ended) != count:
        raise RuntimeError(f"{count} messages were published one after the other, and {len(ended)} requests arrived")
    return [(end - began - provider.latency) * 1000 for began, end in zip(published, ended, strict=True)]


def _main(module: str, count: int) -> None:
    publisher, control = import_module(module), Control(os.environ["PROVIDER_URL"])
    before = control.summary().messages
    published = []
    for number, message in enumerate(messages(WARM_UP_MESSAGES + count), 1):
        published.append(time.monotonic())
        publisher.publish([message])
        _wait_for(control, before + number)
        time.sleep(_PAUSE)
    sys.stdout.write(json.dumps(published[WARM_UP_MESSAGES:]))


def _wait_for(control: Control, count: int) -> None:
    wait_until(
        lambda: control.summary().messages >= count,
        within=_GIVEN_UP_AFTER,
        pause=_PAUSE,
        what=f"{count} messages at the provider",
    )


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
