"""The list of processes for `up`, the Procfile and docker-compose.yml."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass

from bsg_broker.queues import DISPATCH_QUEUE, STATUS_QUEUE

FLOWER_PORT = 5555

# A request on the wire must be able to end: this is its longest time, and that of its task.
WORKER_GRACE_SECONDS = 90.0
OTHERS_GRACE_SECONDS = 5.0  # their work can be interrupted


@dataclass(frozen=True, slots=True)
class Process:
    """`stop_order`: processes with lower numbers stop first, and the others wait for their end."""

    name: str
    command: str
    stop_order: int
    grace_seconds: float

    def argv(self) -> list[str]:
        """Return the command. It uses this Python, because PATH may have no `celery`."""
        program, *arguments = shlex.split(self.command)
        if program != "celery":
            raise ValueError(f"{self.name} is not started by celery")
        return [sys.executable, "-m", "celery", *arguments]


# Workers share their state in the ledger: waiting for neighbours would double the time to the first POST.
_ALONE = "--without-mingle --without-gossip"

WORKER = Process(
    "worker",
    f"celery -A bsg_worker worker -n worker@%h -P threads -c 8 {_ALONE} -Q {DISPATCH_QUEUE} -l INFO",
    stop_order=1,
    grace_seconds=WORKER_GRACE_SECONDS,
)
STATUS = Process(
    "status",
    f"celery -A bsg_worker worker -n status@%h -P threads -c 4 {_ALONE} -Q {STATUS_QUEUE} -l INFO",
    stop_order=1,
    grace_seconds=WORKER_GRACE_SECONDS,
)
BEAT = Process(
    "beat",
    "celery -A bsg_worker beat -l INFO",
    stop_order=0,
    grace_seconds=OTHERS_GRACE_SECONDS,
)
FLOWER = Process(
    "flower",
    f"celery -A bsg_monitor flower --port={FLOWER_PORT}",
    stop_order=0,
    grace_seconds=OTHERS_GRACE_SECONDS,
)

PROCESSES = (WORKER, STATUS, BEAT, FLOWER)


def flower_on_port(port: int) -> Process:
    """Return Flower as in the list, on another port."""
    command = FLOWER.command.replace(f"--port={FLOWER_PORT}", f"--port={port}")
    return Process(FLOWER.name, command, FLOWER.stop_order, FLOWER.grace_seconds)


def procfile() -> str:
    """Return the text of the Procfile."""
    return "".join(f"{process.name}: {process.command}\n" for process in PROCESSES)
