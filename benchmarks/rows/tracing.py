from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from tests.servers import RedisServer
from tests.traces import recording

from benchmarks import steps
from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER, messages
from benchmarks.provider import Provider
from bsg_config.settings import Settings
from bsg_producer import Producer

CAMPAIGNS, CAMPAIGNS_IN_SHORT = 12, 2
BATCHES_A_CAMPAIGN = 5
MESSAGES, MESSAGES_IN_SHORT = 4_000, 400
MESSAGES_IN_TURN = 100

WITHOUT, WITH = "a batch without traces", "a batch with traces"
SEND_WITHOUT, SEND_WITH = "`stream.send` without traces", "`stream.send` with traces"


@contextmanager
def _recorded(name: str) -> Iterator[None]:
    with recording() if name in {WITH, SEND_WITH} else nullcontext():
        yield


def _batches(measurement: Measurement) -> Figures:
    campaigns = measurement.size(CAMPAIGNS, CAMPAIGNS_IN_SHORT)
    spent = dict.fromkeys((WITHOUT, WITH), 0.0)
    with BenchmarkEnvironment(measurement.directory, Provider(), workers=0) as environment:
        settings = Settings.from_environment(environment.processes.settings)
        steps.milliseconds(settings, BATCHES_A_CAMPAIGN)  # the first campaign of a process takes longer
        for _ in range(campaigns):
            for name in spent:
                with _recorded(name):
                    spent[name] += sum(steps.milliseconds(settings, BATCHES_A_CAMPAIGN).values())
    return {name: total / campaigns for name, total in spent.items()}


def _sends(measurement: Measurement) -> Figures:
    count = measurement.size(MESSAGES, MESSAGES_IN_SHORT)
    spent = dict.fromkeys((SEND_WITHOUT, SEND_WITH), 0.0)
    with RedisServer(measurement.directory / "redis") as redis:
        stream = Producer(Settings.build(redis_url=redis.url)).stream("orders", sender=SENDER)
        waiting = messages(2 * count + 1)
        stream.send(next(waiting))
        for _ in range(count // MESSAGES_IN_TURN):
            for name in spent:
                with _recorded(name):
                    began = time.perf_counter()
                    for _ in range(MESSAGES_IN_TURN):
                        stream.send(next(waiting))
                    spent[name] += (time.perf_counter() - began) * 1000
    return {name: total / count for name, total in spent.items()}


ROW = Row(
    what="what traces by OpenTelemetry cost: all steps of a batch of 10 000, and `stream.send` of one message",
    against="the same without an SDK: processor milliseconds of one thread for a batch, time for a message",
    unit="ms",
    sides=[Side("batches", _batches), Side("messages", _sends)],
    goals=[
        Goal("a batch with traces", WITH, (WITHOUT,), at_most=1.02, gross=1.2),
        Goal("`stream.send` with traces", SEND_WITH, (SEND_WITHOUT,), at_most=1.1, gross=2.0),
    ],
    drawn=(WITHOUT, WITH),
    note=(
        "With the SDK, every trace is recorded, and spans are kept in memory. Both take turns, campaign by campaign "
        "and every hundred messages. A batch has three spans, and a message has one."
    ),
    if_not_met="a span costs OpenTelemetry's SDK about 50 µs, whatever it is of.",
)
