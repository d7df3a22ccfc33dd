from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from statistics import median

from opentelemetry import trace
from tests.servers import RedisServer
from tests.traces import not_imported, recording

from benchmarks import steps
from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER, messages
from benchmarks.provider import Provider
from bsg_config.settings import Settings
from bsg_config.tracing import span
from bsg_producer import Producer

CAMPAIGNS, CAMPAIGNS_IN_SHORT = 12, 2
BATCHES_A_CAMPAIGN = 5
PASSES, PASSES_IN_SHORT = 40, 4
MESSAGES_A_PASS = 100

WITHOUT, WITH = "a batch without traces", "a batch with traces"
ENQUEUE_WITHOUT, ENQUEUE_WITH = "its `enqueue` without traces", "its `enqueue` with traces"
SEND_WITHOUT, SEND_WITH = "`stream.send` without traces", "`stream.send` with traces"
SPAN = "a span of OpenTelemetry's SDK alone"

Processes = dict[str, Callable[[], AbstractContextManager[object]]]


@contextmanager
def _recorded() -> Iterator[None]:
    with recording():
        with span("first", "INTERNAL"):  # it takes longer than those that follow
            pass
        yield


def _batches(measurement: Measurement) -> Figures:
    campaigns = measurement.size(CAMPAIGNS, CAMPAIGNS_IN_SHORT)
    processes: Processes = {WITHOUT: not_imported, WITH: _recorded}
    enqueue = {WITHOUT: ENQUEUE_WITHOUT, WITH: ENQUEUE_WITH}
    spent: defaultdict[str, float] = defaultdict(float)
    with BenchmarkEnvironment(measurement.directory, Provider(), workers=0) as environment:
        settings = Settings.from_environment(environment.processes.settings)
        steps.milliseconds(settings, BATCHES_A_CAMPAIGN)  # the first campaign of a process takes longer
        for _ in range(campaigns):
            for name, process in processes.items():
                with process():
                    taken = steps.milliseconds(settings, BATCHES_A_CAMPAIGN)
                spent[name] += sum(taken.values())
                spent[enqueue[name]] += sum(one for step, one in taken.items() if step.startswith("enqueue"))
    return {name: total / campaigns for name, total in spent.items()}


def _sends(measurement: Measurement) -> Figures:
    passes = measurement.size(PASSES, PASSES_IN_SHORT)
    processes: Processes = {SEND_WITHOUT: not_imported, SEND_WITH: _recorded}
    times: defaultdict[str, list[float]] = defaultdict(list)
    with RedisServer(measurement.directory / "redis") as redis:
        stream = Producer(Settings.build(redis_url=redis.url)).stream("orders", sender=SENDER)
        waiting = messages((2 * passes + 1) * MESSAGES_A_PASS)
        _milliseconds_of_each(lambda: stream.send(next(waiting)))  # the first messages of a process take longer
        for _ in range(passes):
            for name, process in processes.items():
                with process():
                    times[name].append(_milliseconds_of_each(lambda: stream.send(next(waiting))))
            with _recorded():
                times[SPAN].append(_milliseconds_of_each(_span))
    return {name: median(each) for name, each in times.items()}


def _milliseconds_of_each(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(MESSAGES_A_PASS):
        act()
    return (time.perf_counter() - began) * 1000 / MESSAGES_A_PASS


def _span() -> None:
    attributes: dict[str, str | bool] = {"bsg.stream": "orders", "bsg.message": 28 * "0", "bsg.duplicate": False}
    with trace.get_tracer("benchmark").start_as_current_span("span", attributes=attributes):
        pass


ROW = Row(
    what="what traces by OpenTelemetry cost: a batch of 10 000 with all steps, its `enqueue`, and one `stream.send`",
    against="the same in a process without OpenTelemetry: processor time of one thread for a batch, time for a message",
    unit="ms",
    sides=[Side("batches", _batches), Side("messages", _sends)],
    goals=[
        Goal("a batch with traces", WITH, (WITHOUT,), at_most=1.02, gross=1.2),
        Goal("`enqueue` of 10 000 with traces", ENQUEUE_WITH, (ENQUEUE_WITHOUT,), at_most=1.02, gross=1.2),
        Goal("`stream.send` with traces", SEND_WITH, (SEND_WITHOUT,), at_most=1.02, gross=3.0),
    ],
    drawn=(WITHOUT, WITH, ENQUEUE_WITHOUT, ENQUEUE_WITH),
    note=(
        "With the SDK, every trace is recorded, and spans are kept in memory. Both take turns, campaign by campaign "
        "and every hundred messages. A batch has three spans, of which its `enqueue`, for five batches, is one. A "
        "message has one."
    ),
    if_not_met="each `stream.send` has a span of its own, and OpenTelemetry's SDK alone takes more than 2 % for that.",
)
