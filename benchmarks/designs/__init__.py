"""What the project is measured against: the usual designs, written as well as their libraries allow.

Each has the two worker processes and the four requests at once that the project has, keeps its connections, speaks
JSON, acknowledges late, keeps no results and writes no log lines. Its module is imported by its own processes only:
the environment (`REDIS_URL`, `PROVIDER_URL`) says where to go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_WORKERS, _THREADS_OF_EACH = 2, 2


@dataclass(frozen=True, slots=True)
class Design:
    """`workers`: the commands to start, each what follows `python -m`. The module publishes by `publish(messages)`."""

    title: str
    module: str
    workers: Sequence[Sequence[str]]


def _celery(module: str, prefetch: int) -> list[tuple[str, ...]]:
    return [
        (
            *("celery", "-A", module, "worker", "-P", "threads", "-c", str(_THREADS_OF_EACH)),
            *("--prefetch-multiplier", str(prefetch), "-n", f"worker{number}@%h", "-l", "WARNING"),
            *("--without-gossip", "--without-mingle"),
        )
        for number in range(_WORKERS)
    ]


def _module(name: str) -> str:
    return f"{__name__}.{name}"


CELERY_EACH = Design("one Celery task per message", _module("celery_each"), _celery(_module("celery_each"), prefetch=8))
CELERY_CHUNKS = Design(
    "one Celery task per 10 000 messages", _module("celery_chunks"), _celery(_module("celery_chunks"), prefetch=1)
)
DRAMATIQ_EACH = Design(
    "one Dramatiq message per message",
    _module("dramatiq_each"),
    [
        (
            *("dramatiq", _module("dramatiq_each"), "--processes", str(_WORKERS)),
            *("--threads", str(_THREADS_OF_EACH)),
        )
    ],
)
# An RQ worker does one job at a time: four of them, none of which forks for each job.
RQ_EACH = Design(
    "one RQ job per message",
    _module("rq_each"),
    [("benchmarks.designs.rq_workers", str(_WORKERS * _THREADS_OF_EACH))],
)

ONE_EACH = (CELERY_EACH, DRAMATIQ_EACH, RQ_EACH)
USUAL = (*ONE_EACH, CELERY_CHUNKS)
