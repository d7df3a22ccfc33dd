from __future__ import annotations

from tests.servers import RedisServer

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.designs import CELERY_CHUNKS, USUAL, Design
from benchmarks.publishing import Published, publish

MESSAGES, MESSAGES_IN_SHORT = 1_000_000, 200_000
CHUNKED_MESSAGES, CHUNKED_MESSAGES_IN_SHORT = 200_000, 40_000
ONE_EACH_MESSAGES, ONE_EACH_MESSAGES_IN_SHORT = 5_000, 500

PROJECT, BARE = "this project", "bare loop, zlib-1 of dumps(chunk)"
MEMORY = "this project, memory added (MiB)"


def _project(measurement: Measurement) -> Figures:
    messages = measurement.size(MESSAGES, MESSAGES_IN_SHORT)
    published = _into_redis(measurement, "benchmarks.designs.this_project", messages)
    return {PROJECT: messages / published.seconds, MEMORY: published.memory_mib}


def _bare(measurement: Measurement) -> Figures:
    messages = measurement.size(MESSAGES, MESSAGES_IN_SHORT)
    return {BARE: messages / publish("benchmarks.limits.bare_packing", messages, ready=False).seconds}


def _design(design: Design) -> Side:
    def measure(measurement: Measurement) -> Figures:
        sizes = (ONE_EACH_MESSAGES, ONE_EACH_MESSAGES_IN_SHORT)
        if design is CELERY_CHUNKS:
            sizes = (CHUNKED_MESSAGES, CHUNKED_MESSAGES_IN_SHORT)
        messages = measurement.size(*sizes)
        return {design.title: messages / _into_redis(measurement, design.module, messages).seconds}

    return Side(design.title, measure)


def _into_redis(measurement: Measurement, module: str, messages: int) -> Published:
    with RedisServer(measurement.directory / "redis") as redis:
        return publish(module, messages, ready=False, REDIS_URL=redis.url)


ROW = Row(
    what="`enqueue` of a million messages",
    against="the bare loop zlib-1 of `dumps(chunk)`, generator included in both, and the usual designs",
    unit="messages/s",
    sides=[Side(PROJECT, _project), Side("bare loop", _bare), *map(_design, USUAL)],
    goals=[
        Goal("rate", PROJECT, over=(BARE,), at_least=1.1, gross=0.1),
        Goal("memory added (MiB)", MEMORY, at_most=64, gross=128),
    ],
    if_not_met=(
        "the generator takes much of the time on both sides (`time_of_a_batch` has the steps of `enqueue`). Checking, "
        "packing by columns and zstd take less time than zlib and `dumps`. Most of this gain is lost again to three "
        "steps that the bare loop does not have: a copy of each message, the digest for the idempotency key, and a "
        "wait for Redis's disk with each chunk."
    ),
    drawn=(PROJECT, BARE, *(design.title for design in USUAL)),
    note=(
        "Memory is by how much the enqueueing process grew at its highest. Designs of one task or job per message "
        "publish 5 000, the chunked one 200 000."
    ),
)
