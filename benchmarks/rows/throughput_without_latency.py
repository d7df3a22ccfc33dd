from __future__ import annotations

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.limits import necessary_work
from benchmarks.throughput import FROM_COMMIT, FROM_ENQUEUE, figures, sent

SECONDS_OF_WORK = 3.0

BY_ROWS = "one core's necessary work"
BY_COLUMNS = "the same work by columns, as the project does it"


def _project(measurement: Measurement) -> Figures:
    return figures(sent(measurement))


def _work(_: Measurement) -> Figures:
    found = necessary_work.measured(SECONDS_OF_WORK)
    return {BY_ROWS: found[necessary_work.ROWS], BY_COLUMNS: found[necessary_work.COLUMNS]}


ROW = Row(
    what="the same without latency, two cores and all processes together",
    against="what one core can do of the work that nobody can leave out: `loads`, validate, `dumps`, compress",
    unit="messages/s",
    sides=[Side("this project", _project), Side("necessary work", _work)],
    goals=[
        Goal("from the last commit", FROM_COMMIT, over=(BY_ROWS,), at_least=1.0, gross=0.05),
        Goal("from the first `enqueue`", FROM_ENQUEUE, over=(BY_ROWS,), at_least=0.8, gross=0.05),
    ],
    drawn=(FROM_COMMIT, FROM_ENQUEUE, BY_ROWS, BY_COLUMNS),
    note=(
        "All processes share the two cores: the caller of `enqueue`, Redis, two workers, the status worker, beat, and "
        "the sandbox, which reads every byte."
    ),
)
