from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER
from benchmarks.provider import Provider
from bsg_config.settings import Settings
from bsg_ledger.work import Prepare
from bsg_worker import runtime
from bsg_worker.prepare.prepare import prepare_chunk

BATCHES, BATCHES_IN_SHORT = 10_000, 1_000
PHONE = 380_000_000_000
LONG_AGO = 1
WORTH_NOTING_US, NOTED = 100, 1_000_000

PREPARED, READ, EXPIRED, RETRIED, CANCELLED = "prepared", "status read", "expired", "retried", "cancelled"
BODIES, PURGED = "bodies forgotten", "purged"


def _to_one_phone(count: int) -> Iterator[dict[str, Any]]:
    """As many batches as messages: no request has a phone twice."""
    for number in range(count):
        yield {"phone": PHONE, "text": f"Your code is {number}."}


def _milliseconds(client: Any, call: Callable[[], object]) -> float:
    """Return how long Redis was kept by the longest of the commands that the call sends."""
    client.slowlog_reset()
    client.config_set("slowlog-log-slower-than", WORTH_NOTING_US)
    call()
    client.config_set("slowlog-log-slower-than", -1)
    return max((float(entry["duration"]) / 1000 for entry in client.slowlog_get(NOTED)), default=0.0)


def _prepare(worker: runtime.Runtime) -> None:
    work = worker.dispatcher.next(runtime.new_token())
    if not isinstance(work, Prepare):
        raise RuntimeError(f"not a chunk to prepare: {work}")
    prepare_chunk(worker, work)


def _project(measurement: Measurement) -> Figures:
    with BenchmarkEnvironment(measurement.directory, Provider(), workers=0, QUEUE_TIMEOUT="30") as environment:
        worker = runtime.build(Settings.from_environment(environment.processes.settings))
        producer, campaigns, client = environment.producer, worker.ledger.campaigns, worker.redis
        client.config_set("slowlog-log-slower-than", -1)
        client.config_set("slowlog-max-len", NOTED)
        messages = _to_one_phone(measurement.size(BATCHES, BATCHES_IN_SHORT))
        campaign_id = producer.enqueue(messages, sender=SENDER).campaign_id

        def timed(call: Callable[[], object]) -> float:
            return _milliseconds(client, call)

        figures = {PREPARED: timed(lambda: _prepare(worker))}
        figures[READ] = timed(lambda: producer.status(campaign_id))
        client.hset(f"bsg:campaign:{campaign_id}", "deadline", LONG_AGO)
        figures[EXPIRED] = timed(lambda: campaigns.expire(campaign_id))
        deadline = datetime.now(UTC) + timedelta(days=1)
        figures[RETRIED] = timed(lambda: producer.retry(campaign_id, deadline=deadline))
        figures[CANCELLED] = timed(lambda: producer.cancel(campaign_id))
        figures[BODIES] = timed(lambda: campaigns.forget_bodies(campaign_id))
        figures[PURGED] = timed(lambda: campaigns.forget(campaign_id))
        return figures


ROW = Row(
    what="longest that one command keeps Redis, with a campaign of 10 000 batches",
    against="nothing: no other client waits for longer than this",
    unit="ms",
    sides=[Side("this project", _project)],
    goals=[
        Goal(name, name, at_most=20, gross=200)
        for name in (PREPARED, READ, EXPIRED, RETRIED, CANCELLED, BODIES, PURGED)
    ],
    drawn=(PREPARED, READ, EXPIRED, RETRIED, CANCELLED, BODIES, PURGED),
    note=(
        "By Redis's slow log, which notes what takes longer than 0.1 ms. The campaign is 10 000 messages to one phone. "
        "An operation is a flag, and steps of at most a hundred batches; other clients come between two steps."
    ),
)
