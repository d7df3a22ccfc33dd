from __future__ import annotations

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.designs import CELERY_EACH
from benchmarks.designs.running import RunningDesign
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.provider import Provider

MESSAGES, MESSAGES_IN_SHORT = 2_000, 300

PROJECT = "this project, campaigns of one message"


def _project(measurement: Measurement) -> Figures:
    with BenchmarkEnvironment(measurement.directory, Provider()) as environment:
        environment.warm_up()
        way = environment.send(campaigns=measurement.size(MESSAGES, MESSAGES_IN_SHORT), size=1)
    return {PROJECT: way.rate_from_enqueue}


def _celery(measurement: Measurement) -> Figures:
    with RunningDesign(measurement.directory, Provider(), CELERY_EACH) as running:
        return {CELERY_EACH.title: running.rate(measurement.size(MESSAGES, MESSAGES_IN_SHORT))}


ROW = Row(
    what="messages a second of campaigns of one message, without latency and without a limit",
    against=CELERY_EACH.title,
    unit="messages/s",
    sides=[Side("this project", _project), Side(CELERY_EACH.title, _celery)],
    goals=[Goal("beside one Celery task per message", PROJECT, over=(CELERY_EACH.title,), at_least=2, gross=0.2)],
    if_not_met=(
        "five scripts accept, lease, prepare, dispatch and record a campaign of one message, and Redis writes the "
        "changes of each to disk before it responds. A Celery task is one message in a list. Such a campaign takes 10 "
        "ms of two slow cores: 6.5 ms in the workers, 1.9 ms in Redis, 1 ms in `enqueue` and 0.8 ms in the sandbox. "
        "Celery takes half of the workers' time for a wake-up, because the queue is empty most of the time. A Celery "
        "task takes half of the 10 ms, including 1.7 ms for both ends of the request. The cost is one request for each "
        "message. For many messages, use a campaign of many messages, or a stream."
    ),
    drawn=(PROJECT, CELERY_EACH.title),
    note="From the first that is accepted or published to the last response. One thread accepts or publishes them.",
)
