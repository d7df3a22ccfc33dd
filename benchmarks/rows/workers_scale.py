from __future__ import annotations

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.provider import Provider

LATENCY = 0.2
WORKERS = (1, 2, 4, 8)
IN_FLIGHT_OF_EACH = 1
MESSAGES_A_POST = 1_000
POSTS_A_CAMPAIGN = 20
CAMPAIGNS_OF_EACH, CAMPAIGNS_OF_EACH_IN_SHORT = 3, 1


def _figure(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


def _side(workers: int) -> Side:
    def measure(measurement: Measurement) -> Figures:
        campaigns = workers * measurement.size(CAMPAIGNS_OF_EACH, CAMPAIGNS_OF_EACH_IN_SHORT)
        with BenchmarkEnvironment(
            measurement.directory,
            Provider(latency=LATENCY),
            workers=workers,
            in_flight=IN_FLIGHT_OF_EACH * workers,
            CAMPAIGN_BATCH_SIZE=str(MESSAGES_A_POST),
        ) as environment:
            environment.warm_up()
            way = environment.send(campaigns=campaigns, size=POSTS_A_CAMPAIGN * MESSAGES_A_POST)
            first = min(seen.time for seen in environment.provider.posts() if seen.time > way.began)
        return {_figure(workers): way.messages / (way.ended - first)}

    return Side(_figure(workers), measure)


ROW = Row(
    what="worker processes under 200 ms provider latency, no limit of the rate",
    against="perfect scaling",
    unit="messages/s",
    sides=[_side(workers) for workers in WORKERS],
    goals=[
        Goal(
            f"{workers} workers, as many times one",
            _figure(workers),
            over=(_figure(1),),
            at_least=0.9 * workers,
            gross=0.15 * workers,
        )
        for workers in WORKERS[1:]
    ],
    drawn=tuple(map(_figure, WORKERS)),
    if_not_met=(
        "eight workers, Redis, the provider and the caller of `enqueue` share the machine's cores. `time_of_a_batch` "
        "shows how much of them a batch takes."
    ),
    note=(
        "Workers as the Procfile starts them, but with one request at once each instead of four, and "
        f"{MESSAGES_A_POST} messages a request, so that it is the workers that are measured and not the machine: eight "
        "of them with four requests of 10 000 would send 1.6 million messages a second, more than two cores prepare. "
        "From the first POST to the last response."
    ),
)
