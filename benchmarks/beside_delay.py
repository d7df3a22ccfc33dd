"""How long a web app waits for one message to be accepted, beside a bare Celery `delay` to the same Redis."""

from __future__ import annotations

from collections.abc import Mapping

from tests.servers import RedisServer

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.waiting import waited

CALLS, CALLS_IN_SHORT = 8_000, 1_600
WEB_THREADS = 16


def row_beside_delay(
    call: str, module: str, *, what: str, at_most: Mapping[int, float], if_not_met: str, note: str
) -> Row:
    """Return a row that compares calls of a publishing module with `delay`.

    `call` names them in figures. `at_most` has the goal for the 99th percentile, by the number of threads.
    """
    return Row(
        what=what,
        against="a bare Celery `delay` to the same Redis",
        unit="ms",
        sides=[side for threads in at_most for side in _sides(call, module, threads)],
        goals=[_goal(call, threads, bound) for threads, bound in at_most.items()],
        drawn=tuple(_percentile(title) for threads in at_most for title in _pair(call, threads)),
        if_not_met=if_not_met,
        note=note,
    )


def _side(title: str, module: str, threads: int) -> Side:
    def measure(measurement: Measurement) -> Figures:
        calls = measurement.size(CALLS, CALLS_IN_SHORT)
        with RedisServer(measurement.directory / "redis") as redis:
            found = waited(module, threads=threads, calls=calls, REDIS_URL=redis.url)
        return {f"{title}, half": found.half, _percentile(title): found.percentile_99}

    return Side(title, measure)


def _percentile(title: str) -> str:
    return f"{title}, 99th percentile"


def _pair(call: str, threads: int) -> tuple[str, str]:
    threads_named = "1 thread" if threads == 1 else f"{threads} threads"
    return f"{call}, {threads_named}", f"delay, {threads_named}"


def _sides(call: str, module: str, threads: int) -> list[Side]:
    project, bare = _pair(call, threads)
    return [_side(project, module, threads), _side(bare, "benchmarks.designs.celery_delay", threads)]


def _goal(call: str, threads: int, at_most: float) -> Goal:
    project, bare = map(_percentile, _pair(call, threads))
    return Goal(f"99th percentile, {threads} thread(s)", project, over=(bare,), at_most=at_most, gross=10 * at_most)
