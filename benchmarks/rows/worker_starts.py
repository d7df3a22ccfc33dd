from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from tests.processes import wait_until
from tests.servers import RedisServer

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER, messages
from benchmarks.provider import Provider
from benchmarks.publishing import publish

MESSAGES = 10_000
_GIVEN_UP_AFTER = 60.0

PROJECT, BARE = "this project, first POST", "bare Celery worker, first task"
_BARE_MODULE = "benchmarks.designs.celery_first_task"


def _project(measurement: Measurement) -> Figures:
    with BenchmarkEnvironment(measurement.directory, Provider(), workers=0) as measured:
        measured.producer.enqueue(messages(MESSAGES), sender=SENDER)
        began = time.monotonic()
        measured.processes.worker()
        wait_until(measured.provider.posts, within=_GIVEN_UP_AFTER, pause=0.1, what="the first POST")
        return {PROJECT: measured.provider.posts()[0].time - began}


def _bare(measurement: Measurement) -> Figures:
    first_task = measurement.directory / "first-task"
    with (
        RedisServer(measurement.directory / "redis") as redis,
        (measurement.directory / "worker.log").open("wb") as log,
    ):
        environment = {"REDIS_URL": redis.url, "FIRST_TASK": str(first_task)}
        publish(_BARE_MODULE, 1, ready=True, **environment)
        began = time.monotonic()
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", _BARE_MODULE, "worker", "-P", "threads", "-c", "8", "-l", "INFO"],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            wait_until(first_task.exists, within=_GIVEN_UP_AFTER, pause=0.1, what="the first task")
            return {BARE: float(first_task.read_text()) - began}
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()


ROW = Row(
    what="start of a worker to its first POST",
    against="a bare Celery worker's first task",
    unit="s",
    sides=[Side(PROJECT, _project), Side("bare Celery worker", _bare)],
    goals=[Goal("first POST", PROJECT, over=(BARE,), at_most=1.3, gross=2.5)],
    drawn=(PROJECT, BARE),
    note=(
        f"Both in threads, 8 of them, with the work waiting in Redis: a campaign of {MESSAGES} messages that is not "
        "prepared yet, and a task that does nothing but read the clock."
    ),
)
