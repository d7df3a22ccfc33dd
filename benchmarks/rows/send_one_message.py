from __future__ import annotations

from tests.servers import RedisServer

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.waiting import waited

CALLS, CALLS_IN_SHORT = 8_000, 1_600
WEB_THREADS = 16


def _side(title: str, module: str, threads: int) -> Side:
    def measure(measurement: Measurement) -> Figures:
        calls = measurement.size(CALLS, CALLS_IN_SHORT)
        with RedisServer(measurement.directory / "redis") as redis:
            found = waited(module, threads=threads, calls=calls, REDIS_URL=redis.url)
        return {f"{title}, half": found.half, _percentile(title): found.percentile_99}

    return Side(title, measure)


def _percentile(title: str) -> str:
    return f"{title}, 99th percentile"


def _pair(threads: int) -> tuple[str, str]:
    threads_named = "1 thread" if threads == 1 else f"{threads} threads"
    return f"stream.send, {threads_named}", f"delay, {threads_named}"


def _sides(threads: int) -> list[Side]:
    stream, bare = _pair(threads)
    return [
        _side(stream, "benchmarks.designs.this_project_stream", threads),
        _side(bare, "benchmarks.designs.celery_delay", threads),
    ]


def _goal(threads: int, at_most: float) -> Goal:
    stream, bare = map(_percentile, _pair(threads))
    return Goal(f"99th percentile, {threads} thread(s)", stream, over=(bare,), at_most=at_most, gross=10 * at_most)


ROW = Row(
    what="`stream.send` of one message",
    against="a bare Celery `delay` to the same Redis",
    unit="ms",
    sides=[*_sides(WEB_THREADS), *_sides(1)],
    goals=[_goal(WEB_THREADS, 0.9), _goal(1, 1.2)],
    drawn=tuple(_percentile(title) for threads in (WEB_THREADS, 1) for title in _pair(threads)),
    if_not_met=(
        "both calls wait once for Redis's disk. `send` first checks that Redis can be reached, and renders and checks "
        "the message, while `delay` only writes its task."
    ),
    note=(
        "The threads share one process and call again at once. Redis writes each command to disk before it responds, "
        "for both. `send` has checked and committed the message when it returns; `delay` has published."
    ),
)
