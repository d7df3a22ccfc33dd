from __future__ import annotations

from dataclasses import dataclass

from tests.processes import wait_until
from tests.servers import RedisServer

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.designs import CELERY_CHUNKS, USUAL, Design
from benchmarks.publishing import publish

MESSAGES, MESSAGES_IN_SHORT = 1_000_000, 100_000
CHUNKED_MESSAGES, CHUNKED_MESSAGES_IN_SHORT = 200_000, 50_000
ONE_EACH_MESSAGES, ONE_EACH_MESSAGES_IN_SHORT = 10_000, 1_000

MEMORY, FILE = "memory", "written to the file"


@dataclass(frozen=True, slots=True)
class _Used:
    memory: int
    file: int


def _used(redis: RedisServer) -> _Used:
    with redis.client() as client:

        def alone() -> bool:
            # Buffers of connections are no memory of what is queued.
            return len(client.client_list()) == 1

        wait_until(alone, within=10, what="the publisher's connections to be closed")
        memory = int(client.info("memory")["used_memory"])
    return _Used(memory, sum(path.stat().st_size for path in redis.directory.rglob("*.aof")))


def _side(title: str, module: str, full: int, short: int) -> Side:
    def measure(measurement: Measurement) -> Figures:
        messages = measurement.size(full, short)
        with RedisServer(measurement.directory / "redis") as redis:
            environment = {"REDIS_URL": redis.url, "PROVIDER_URL": ""}
            publish(module, 1, ready=True, **environment)
            before = _used(redis)
            publish(module, messages, ready=False, **environment)
            after = _used(redis)
        return {
            f"{title}, {MEMORY}": (after.memory - before.memory) / messages,
            f"{title}, {FILE}": (after.file - before.file) / messages,
        }

    return Side(title, measure)


def _usual(design: Design) -> Side:
    if design is CELERY_CHUNKS:
        return _side(design.title, design.module, CHUNKED_MESSAGES, CHUNKED_MESSAGES_IN_SHORT)
    return _side(design.title, design.module, ONE_EACH_MESSAGES, ONE_EACH_MESSAGES_IN_SHORT)


def _goals(kind: str) -> list[Goal]:
    project, others = f"this project, {kind}", tuple(f"{design.title}, {kind}" for design in USUAL)
    return [
        Goal(f"{kind}, bytes", project, at_most=25, gross=50),
        Goal(f"{kind}, beside the usual designs", project, over=others, at_most=0.1, gross=0.3),
    ]


ROW = Row(
    what="Redis memory and bytes written to its file, per queued message",
    against="the usual designs",
    unit="bytes a message",
    sides=[_side("this project", "benchmarks.designs.this_project", MESSAGES, MESSAGES_IN_SHORT), *map(_usual, USUAL)],
    goals=[*_goals(MEMORY), *_goals(FILE)],
    drawn=tuple(f"{title}, {MEMORY}" for title in ("this project", *(design.title for design in USUAL))),
    note="Texts of 63 to 73 characters, each different, to phones without an order. Nothing takes them out again.",
)
