"""How costs grow along an axis: a row with a size on each line, a cost in each column, and how it grows below."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.comparing import Figures, Measurement, Row, Side, written
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER, messages
from benchmarks.provider import Provider

Costs = Mapping[str, float]
"""What one size costs, by the column's name, which says the unit."""

READS = 20


def row(what: str, axis: str, sizes: Sequence[int], measure: Callable[[Measurement, int], Costs], note: str) -> Row:
    """Return a row whose sides are the sizes. In the short form each is a tenth, one at least."""

    def side(size: int) -> Side:
        def measured(measurement: Measurement) -> Figures:
            measured_size = measurement.size(size, max(1, size // 10))
            costs = measure(measurement, measured_size)
            return {_figure(measured_size, column): cost for column, cost in costs.items()}

        return Side(f"{size} {axis}", measured)

    return Row(
        what=what,
        against="less of them",
        sides=[side(size) for size in sizes],
        goals=[],
        note=note,
        table=lambda figures: list(_table(axis, figures)),
    )


def sent(measurement: Measurement, *, campaigns: int, size: int) -> Costs:
    """Return what it costs to enqueue and send so many campaigns, without latency, and to look at them afterwards."""
    with BenchmarkEnvironment(measurement.directory, Provider()) as environment, environment.redis.client() as client:
        environment.warm_up()
        before = client.info("memory")
        way = environment.send(campaigns=campaigns, size=size)
        after = client.info("memory")
        newest = environment.producer.enqueue(messages(1), sender=SENDER).campaign_id
        return {
            "enqueue (s)": way.committed - way.began,
            "until all is sent (s)": way.ended - way.began,
            "Redis at its most (MiB)": (after["used_memory_peak"] - before["used_memory"]) / 2**20,
            "Redis when all is sent (MiB)": (after["used_memory_dataset"] - before["used_memory_dataset"]) / 2**20,
            "`status` of one (ms)": _milliseconds(lambda: environment.producer.status(newest)),
            "`campaigns()`, all (ms)": _milliseconds(lambda: list(environment.producer.campaigns())),
        }


def _milliseconds(read: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(READS):
        read()
    return (time.perf_counter() - began) * 1000 / READS


def _table(axis: str, figures: Figures) -> Iterator[str]:
    sizes = list(dict.fromkeys(int(name.partition(": ")[0]) for name in figures))
    columns = [name.partition(": ")[2] for name in figures if name.startswith(_figure(sizes[0], ""))]
    yield f"| {axis} | {' | '.join(columns)} |"
    yield f"|{'---|' * (len(columns) + 1)}"
    for size in sizes:
        yield f"| {written(size)} | {' | '.join(written(figures[_figure(size, column)]) for column in columns)} |"
    for small, large in zip(sizes, sizes[1:], strict=False):
        powers = (_power(small, large, figures, column) for column in columns)
        yield f"| {written(small)} to {written(large)}: to the power of | {' | '.join(powers)} |"


def _power(small: int, large: int, figures: Figures, column: str) -> str:
    """1: the cost grows as the size does. 0: it stays. 2: it grows with the square."""
    before, after = figures[_figure(small, column)], figures[_figure(large, column)]
    if before <= 0 or after <= 0:
        return "–"
    return f"{math.log(after / before) / math.log(large / small):.2f}"


def _figure(size: int, column: str) -> str:
    return f"{size}: {column}"
