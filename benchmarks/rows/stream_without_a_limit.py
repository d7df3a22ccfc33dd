from __future__ import annotations

import time

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.designs import CELERY_EACH
from benchmarks.designs.running import RunningDesign
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER
from benchmarks.processor_time import seconds_by_process
from benchmarks.provider import Provider
from benchmarks.sending_threads import send_from_threads

MESSAGES, MESSAGES_IN_SHORT = 20_000, 2_000
TASKS, TASKS_IN_SHORT = 2_000, 300

PROJECT = "this project, a stream"
ACCEPTED = "this project, a stream, accepted"


def _project(measurement: Measurement) -> Figures:
    count = measurement.size(MESSAGES, MESSAGES_IN_SHORT)
    with BenchmarkEnvironment(measurement.directory, Provider()) as environment:
        environment.warm_up()
        summary = environment.provider.control.summary()
        spent = seconds_by_process(environment)
        sent = send_from_threads(environment.producer.stream("orders", sender=SENDER), count)
        accepted = time.monotonic()
        ended = environment.provider.wait_for(summary.messages + count)
        spent = {name: seconds - spent[name] for name, seconds in seconds_by_process(environment).items()}
        requests = environment.provider.control.summary().campaigns - summary.campaigns
    return {
        PROJECT: count / (ended - sent.began),
        ACCEPTED: count / (accepted - sent.began),
        "messages a request": count / requests,
        **{f"µs of processor a message, {name}": seconds * 1e6 / count for name, seconds in spent.items()},
    }


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
    if_not_met=(
        "the two cores are busy, and half of their time goes into requests. A batch leaves as soon as a request may, "
        "so that no message waits, and with four requests at once and no latency a request carries only a dozen "
        "messages. The figures above say what each process takes for a message. If the requests carried more, the "
        "caller would be next: one process of Python takes 0.13 ms to check, render and commit a message, so that it "
        "cannot send more than 7 600 a second, 17 times the rate of the other design."
    ),
    note=(
        "From the first that is sent or published to the last response. 16 threads of one process send, one publishes."
    ),
)
