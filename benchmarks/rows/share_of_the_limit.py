from __future__ import annotations

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.provider import Provider

LIMIT, BURST = 20, 1
WORKERS = 4
CAMPAIGNS = 50
LATENCY = 0.1
SECONDS, SECONDS_IN_SHORT = 30, 10
MESSAGES_A_POST = 10

SHARE, MOST = "share of the limit", "most POSTs in any second"


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
        way = environment.send(campaigns=CAMPAIGNS, size=posts * MESSAGES_A_POST // CAMPAIGNS)
        times = sorted(seen.time for seen in environment.provider.posts() if seen.time > way.began)
    ready = [time for time in times if time > way.committed]
    return {SHARE: (len(ready) - 1) / (ready[-1] - ready[0]) / LIMIT, MOST: _most_in_any_second(times)}


def _most_in_any_second(times: list[float]) -> int:
    most = first = 0
    for last, time in enumerate(times):
        while time - times[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


ROW = Row(
    what=(
        f"share of `{LIMIT}/s` that {WORKERS} workers reach with {CAMPAIGNS} campaigns ready, "
        "and the most requests in any second"
    ),
    against="the limit",
    sides=[Side("this project", _project)],
    goals=[
        Goal("share of the limit", SHARE, at_least=0.98, gross=0.7),
        Goal("most in any second: limit plus burst", MOST, at_most=LIMIT + BURST, gross=2 * LIMIT),
    ],
    if_not_met=(
        "if a request reaches the provider later than the next slot, the second that begins then has one request more. "
        "Of 200 requests on a machine that does other work, one arrived 54 ms late, and the next one 4 ms after it. "
        "The slots themselves are 50 ms apart."
    ),
    note=(
        f"Measured by the provider over {SECONDS} seconds, the share from the last commit on. "
        "The busiest window of one second counts."
    ),
)
