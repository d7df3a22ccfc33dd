from __future__ import annotations

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.provider import Provider

LIMIT, BURST = 20, 1
WORKERS = 4
LATENCY = 0.1
SECONDS, SECONDS_IN_SHORT = 30, 6
MESSAGES_A_POST = 10

REACHED, MOST = "POSTs a second", "most POSTs in any second"


def _project(measurement: Measurement) -> Figures:
    posts = LIMIT * measurement.size(SECONDS, SECONDS_IN_SHORT)
    with BenchmarkEnvironment(
        measurement.directory,
        Provider(latency=LATENCY),
        workers=WORKERS,
        in_flight=4 * WORKERS,
        BSG_RATE_LIMIT=f"{LIMIT}/s",
        BSG_RATE_BURST=str(BURST),
        CAMPAIGN_BATCH_SIZE=str(MESSAGES_A_POST),
    ) as environment:
        environment.warm_up()
        way = environment.send(campaigns=4, size=posts * MESSAGES_A_POST // 4)
        times = sorted(seen.time for seen in environment.provider.posts() if seen.time > way.began)
    return {REACHED: (len(times) - 1) / (times[-1] - times[0]), MOST: _most_in_any_second(times)}


def _most_in_any_second(times: list[float]) -> int:
    most = first = 0
    for last, time in enumerate(times):
        while time - times[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


ROW = Row(
    what=f"what {WORKERS} workers reach of `{LIMIT}/s`, and the most in any second",
    against="the limit",
    sides=[Side("this project", _project)],
    goals=[
        Goal(f"of {LIMIT} POSTs a second", REACHED, at_least=0.98 * LIMIT, gross=0.7 * LIMIT),
        Goal("most in any second: limit plus burst", MOST, at_most=LIMIT + BURST, gross=2 * LIMIT),
    ],
    note=f"Measured by the provider over {SECONDS} seconds. The busiest window of one second counts.",
)
