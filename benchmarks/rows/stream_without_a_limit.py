from __future__ import annotations

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.designs import CELERY_EACH
from benchmarks.designs.running import RunningDesign
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER
from benchmarks.provider import Provider
from benchmarks.sending_threads import send_from_threads

MESSAGES, MESSAGES_IN_SHORT = 20_000, 2_000
TASKS, TASKS_IN_SHORT = 2_000, 300

PROJECT = "this project, a stream"


def _project(measurement: Measurement) -> Figures:
    count = measurement.size(MESSAGES, MESSAGES_IN_SHORT)
    with BenchmarkEnvironment(measurement.directory, Provider()) as environment:
        environment.warm_up()
        before = environment.provider.control.summary().messages
        sent = send_from_threads(environment.producer.stream("orders", sender=SENDER), count)
        ended = environment.provider.wait_for(before + count)
    return {PROJECT: count / (ended - sent.began)}


def _celery(measurement: Measurement) -> Figures:
    with RunningDesign(measurement.directory, Provider(), CELERY_EACH) as running:
        return {CELERY_EACH.title: running.rate(measurement.size(TASKS, TASKS_IN_SHORT))}


ROW = Row(
    what="messages a second of a stream, without latency and without a limit",
    against=CELERY_EACH.title,
    unit="messages/s",
    sides=[Side("this project", _project), Side(CELERY_EACH.title, _celery)],
    goals=[Goal("beside one Celery task per message", PROJECT, over=(CELERY_EACH.title,), at_least=20, gross=1)],
    drawn=(PROJECT, CELERY_EACH.title),
    note=(
        "From the first that is sent or published to the last response. 16 threads of one process send, one publishes."
    ),
)
