from __future__ import annotations

from statistics import quantiles

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.designs import CELERY_EACH
from benchmarks.designs.running import RunningDesign
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.provider import Provider
from benchmarks.receipts import milliseconds_to_receipt

MESSAGES, MESSAGES_IN_SHORT = 400, 20
LATENCY = 0.1

PROJECT = "a stream"


def _half(title: str) -> str:
    return f"{title}, half"


def _percentile(title: str) -> str:
    return f"{title}, 99th percentile"


def _project(measurement: Measurement) -> Figures:
    count = measurement.size(MESSAGES, MESSAGES_IN_SHORT)
    with BenchmarkEnvironment(measurement.directory, Provider(latency=LATENCY)) as environment:
        environment.warm_up()
        module, url = "benchmarks.designs.this_project_stream", environment.redis.url
        return _figures(PROJECT, milliseconds_to_receipt(module, count, environment.provider, REDIS_URL=url))


def _celery(measurement: Measurement) -> Figures:
    with RunningDesign(measurement.directory, Provider(latency=LATENCY), CELERY_EACH) as running:
        return _figures(
            CELERY_EACH.title, running.milliseconds_to_receipt(measurement.size(MESSAGES, MESSAGES_IN_SHORT))
        )


def _figures(title: str, milliseconds: list[float]) -> Figures:
    hundredths = quantiles(milliseconds, n=100, method="inclusive")
    return {_half(title): hundredths[49], _percentile(title): hundredths[98]}


ROW = Row(
    what="from `send` to BSG's receipt, without load and without a limit",
    against=CELERY_EACH.title,
    unit="ms",
    sides=[Side(PROJECT, _project), Side(CELERY_EACH.title, _celery)],
    goals=[
        Goal("half, ms over the provider's latency", _half(PROJECT), at_most=25),
        Goal("99th percentile, ms over the provider's latency", _percentile(PROJECT), at_most=80),
        Goal(
            "half, beside one Celery task per message",
            _half(PROJECT),
            (_half(CELERY_EACH.title),),
            at_most=1.2,
            gross=6,
        ),
    ],
    drawn=tuple(name(title) for title in (PROJECT, CELERY_EACH.title) for name in (_half, _percentile)),
    if_not_met=(
        "on slow cores (2.5 GHz) `send` takes 2.5 of 10 ms, most of it for the disk. Celery gives the wake-up to a "
        "thread of the worker in 2 ms. The dispatch, the wait for the disk behind the intent and the request take the"
        " rest. A Celery task has no intent. On a machine that does more, each step waits for a processor."
    ),
    note=(
        f"BSG takes {LATENCY * 1000:.0f} ms to respond, which is left out. One thread sends each message when BSG has "
        "the last. The time begins with the call of `send` or of `apply_async`, and ends with BSG's response."
    ),
)
