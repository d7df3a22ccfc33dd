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
    return f"this project, {threads_named}", f"delay, {threads_named}"


def _sides(threads: int) -> list[Side]:
    project, bare = _pair(threads)
    return [
        _side(project, "benchmarks.designs.this_project", threads),
        _side(bare, "benchmarks.designs.celery_delay", threads),
    ]


def _goal(threads: int, at_most: float) -> Goal:
    project, bare = map(_percentile, _pair(threads))
    return Goal(f"99th percentile, {threads} thread(s)", project, over=(bare,), at_most=at_most, gross=10 * at_most)


ROW = Row(
    what="`enqueue` of one message",
    against="a bare Celery `delay` to the same Redis",
    unit="ms",
    sides=[*_sides(WEB_THREADS), *_sides(1)],
    goals=[_goal(WEB_THREADS, 1.0), _goal(1, 1.3)],
    drawn=tuple(_percentile(title) for threads in (WEB_THREADS, 1) for title in _pair(threads)),
    if_not_met=(
        "both calls wait once for Redis's disk. `enqueue` first checks that Redis can be reached, which waits for no "
        "disk. It also checks, packs and digests the messages that it accepts, while `delay` only writes its task."
    ),
    note=(
        "The threads share one process and call again at once. Redis writes each command to disk before it responds, "
        "for both. `enqueue` has checked, stored and committed when it returns, and woken a worker; `delay` has "
        "published."
    ),
)
