from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER
from benchmarks.provider import Provider
from bsg_config.settings import Settings
from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.campaigns import Acceptance
from bsg_ledger.work import Prepare
from bsg_messages.campaign_ids import new_campaign_id
from bsg_worker import runtime
from bsg_worker.prepare.prepare import prepare_chunk

BATCHES, BATCHES_IN_SHORT = 10_000, 1_000
PHONE = 380_000_000_000
LONG_AGO = 1
KEEP_MS = 3_600_000
WORTH_NOTING_US, NOTED = 100, 1_000_000

PREPARED, READ, EXPIRED, RETRIED, CANCELLED = "prepared", "status read", "expired", "retried", "cancelled"
BODIES, PURGED, REKEYED, ACCEPTED, GIVEN_UP = "bodies forgotten", "purged", "rekeyed", "accepted", "given up"
FIGURES = (ACCEPTED, PREPARED, GIVEN_UP, READ, EXPIRED, RETRIED, CANCELLED, REKEYED, BODIES, PURGED)


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


def _acceptance(worker: runtime.Runtime, chunks: int) -> Acceptance:
    """Store so many chunks, and return what commits them as a campaign."""
    campaign_id = new_campaign_id()
    for chunk in range(chunks):
        worker.ledger.campaigns.store_chunk(campaign_id, chunk, b"packed", keep_ms=KEEP_MS)
    return Acceptance(
        campaign_id=campaign_id, idempotency_key=campaign_id, digest="", chunk_sizes=[1] * chunks, options="{}",
        priority="low", deadline_ms=worker.ledger.due_indexes.now_ms() + KEEP_MS, name="",
        account_name=worker.account.name, incarnation="",
    )  # fmt: skip


def _give_up(worker: runtime.Runtime, campaign_id: str) -> None:
    """Lose the lease of the campaign's only chunk, which may not lose one."""
    for _ in range(2):
        worker.ledger.chunks.lease(campaign_id, runtime.new_token(), lease_ms=0, losses_allowed=1)


def _to_another_key(worker: runtime.Runtime, campaign_id: str) -> None:
    """Move a campaign to another key of the same account at BSG."""
    address, bsg_account = worker.account.address, "the same"
    worker.redis.hset(schema.API_KEY(worker.account.id), mapping={"address": address, "bsg_account": bsg_account})
    worker.ledger.keys.rekey(
        campaign_id, old=worker.account.id, account="of-another-key", name=worker.account.name, address=address,
        bsg_account=bsg_account, by="operator",
    )  # fmt: skip


def _put_in_doubt(worker: runtime.Runtime, campaign_id: str, batches: int) -> None:
    for batch in range(batches):
        worker.ledger.batches.mark_in_doubt(
            BatchId.of(campaign_id, batch), attempts=0, account=worker.account.id, cause="benchmark"
        )


def _project(measurement: Measurement) -> Figures:
    with BenchmarkEnvironment(measurement.directory, Provider(), workers=0, QUEUE_TIMEOUT="30") as environment:
        worker = runtime.build(Settings.from_environment(environment.processes.settings))
        producer, campaigns, client = environment.producer, worker.ledger.campaigns, worker.redis
        client.config_set("slowlog-log-slower-than", -1)
        client.config_set("slowlog-max-len", NOTED)
        size = measurement.size(BATCHES, BATCHES_IN_SHORT)

        def enqueued() -> str:
            return producer.enqueue(_to_one_phone(size), sender=SENDER).campaign_id

        campaign_id = enqueued()

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
        given_up = enqueued()
        figures[GIVEN_UP] = timed(lambda: _give_up(worker, given_up))
        rekeyed = enqueued()
        _prepare(worker)
        _put_in_doubt(worker, rekeyed, size)
        figures[REKEYED] = timed(lambda: _to_another_key(worker, rekeyed))
        acceptance = _acceptance(worker, size)
        figures[ACCEPTED] = timed(lambda: campaigns.accept(acceptance))
        return figures


ROW = Row(
    what="longest that one command keeps Redis, with a campaign of 10 000 batches or chunks",
    against="nothing: no other client waits for longer than this",
    unit="ms",
    sides=[Side("this project", _project)],
    goals=[Goal(name, name, at_most=20, gross=200) for name in FIGURES],
    drawn=FIGURES,
    note=(
        "By Redis's slow log, which notes what takes longer than 0.1 ms. The campaign is 10 000 messages to one phone; "
        "what is given up is a chunk of them, and what is accepted has 10 000 chunks. "
        "An operation is a flag, and steps of at most a hundred batches; other clients come between two steps."
    ),
)
