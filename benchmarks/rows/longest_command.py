from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER, messages, messages_to_one_phone
from benchmarks.provider import Provider
from bsg_config.settings import Settings
from bsg_ledger import schema
from bsg_ledger.batch_id import BatchId
from bsg_ledger.campaigns import Acceptance
from bsg_ledger.delivery_reports import MAX_REPORTS_A_CALL, PushedReport
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.streams import MESSAGES_A_CALL
from bsg_ledger.work import Prepare, Recheck, Send
from bsg_messages.campaign_ids import new_campaign_id
from bsg_messages.search_digests import DIGEST_BYTES, Searched
from bsg_producer import Stream
from bsg_worker import runtime
from bsg_worker.poll.poll import AT_ONCE
from bsg_worker.prepare.prepare import prepare_chunk
from bsg_worker.submit.recheck import recheck_suppressions

BATCHES, BATCHES_IN_SHORT = 10_000, 1_000
MESSAGES, MESSAGES_IN_SHORT = 10_000, 1_000  # of one batch
PHONES, PHONES_IN_SHORT = 1_000_000, 100_000  # of the campaign in which one is searched for
LONG_AGO = 1
KEEP_MS = 3_600_000
WORTH_NOTING_US, NOTED = 100, 1_000_000

PREPARED, READ, EXPIRED, RETRIED, CANCELLED = "prepared", "status read", "expired", "retried", "cancelled"
BODIES, PURGED, REKEYED, ACCEPTED, GIVEN_UP = "bodies forgotten", "purged", "rekeyed", "accepted", "given up"
TAKEN_BACK, TAKEN_DUE, GIVEN_BACK = "leases taken back", "due batches taken", "due batches given back"
SUPPRESSED, REJECTED, REPORTED = "phones suppressed", "suppressed messages rejected", "delivery reports recorded"
COMPACTED, COMPACTED_PURGED = "compacted", "purged after its compaction"
STREAMED, STREAMED_TO_ONE = "messages of a stream", "messages of a stream to one phone"
INDEXED, SEARCHED = "phones indexed", "a phone searched for"
FIGURES = (
    ACCEPTED, PREPARED, GIVEN_UP, READ, EXPIRED, RETRIED, CANCELLED, TAKEN_BACK, TAKEN_DUE, GIVEN_BACK, REKEYED, BODIES,
    PURGED, SUPPRESSED, REJECTED, REPORTED, COMPACTED, COMPACTED_PURGED, STREAMED, STREAMED_TO_ONE,
    INDEXED, SEARCHED,
)  # fmt: skip


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


def _lose_leases(worker: runtime.Runtime, campaign_id: str, batches: int) -> None:
    """Leave a campaign's batches as dead workers do: on the wire, with leases that have run out."""
    pipe = worker.redis.pipeline(transaction=False)
    for batch in range(batches):
        pipe.hset(schema.BATCH(campaign_id, batch), mapping={"state": "posting", "token": "of a dead worker"})
        pipe.zadd(schema.due_index(DueIndex.LEASES, worker.account.id), {BatchId.of(campaign_id, batch): LONG_AGO})
    pipe.execute()


def _recheck(worker: runtime.Runtime) -> None:
    """Reject the suppressed messages of the next batch, all of which are."""
    while isinstance(work := worker.dispatcher.next(runtime.new_token()), Recheck):
        recheck_suppressions(worker, work)
    if isinstance(work, Send):
        raise RuntimeError(f"not rejected: {work}")


def _send(stream: Stream, rows: Iterator[dict[str, Any]]) -> None:
    if len(list(stream.send_many((row, None) for row in rows))) != MESSAGES_A_CALL:
        raise RuntimeError("not all messages were accepted")


def _digests(phones: int) -> bytes:
    """Return as many bytes as the digests of so many phones."""
    return Random(1).randbytes(phones * DIGEST_BYTES)


def _report(number: int) -> PushedReport:
    return PushedReport(
        campaign_id=None, index=None, message_id=None, reference_id=f"{number:028d}", status="delivered",
        price="0.0100", currency="EUR", sent_at="2026-11-28 10:00:00", delivered_at="2026-11-28 10:00:05",
    )  # fmt: skip


def _project(measurement: Measurement) -> Figures:
    with BenchmarkEnvironment(measurement.directory, Provider(), workers=0, QUEUE_TIMEOUT="30") as environment:
        worker = runtime.build(Settings.from_environment(environment.processes.settings))
        producer, campaigns, client = environment.producer, worker.ledger.campaigns, worker.redis
        client.config_set("slowlog-log-slower-than", -1)
        client.config_set("slowlog-max-len", NOTED)
        size = measurement.size(BATCHES, BATCHES_IN_SHORT)

        def enqueued() -> str:
            return producer.enqueue(messages_to_one_phone(size), sender=SENDER).campaign_id

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
        _lose_leases(worker, rekeyed, size)
        figures[TAKEN_BACK] = timed(lambda: worker.ledger.batches.take_back(worker.account.id))
        due, taken_due = worker.ledger.due_indexes, list[str]()
        figures[TAKEN_DUE] = timed(
            lambda: taken_due.extend(
                due.take_due(DueIndex.DOUBT, account=worker.account.id, at_most=AT_ONCE, put_off_ms=KEEP_MS)
            )
        )
        figures[GIVEN_BACK] = timed(lambda: due.give_back(DueIndex.DOUBT, taken_due, account=worker.account.id))
        figures[REKEYED] = timed(lambda: _to_another_key(worker, rekeyed))
        acceptance = _acceptance(worker, size)
        figures[ACCEPTED] = timed(lambda: campaigns.accept(acceptance))
        campaigns.cancel(acceptance.campaign_id)
        sent = list(messages(measurement.size(MESSAGES, MESSAGES_IN_SHORT)))
        producer.enqueue(sent, sender=SENDER)
        _prepare(worker)
        figures[SUPPRESSED] = timed(lambda: producer.suppress([message["phone"] for message in sent]))
        figures[REJECTED] = timed(lambda: _recheck(worker))
        reports = [_report(number) for number in range(MAX_REPORTS_A_CALL)]
        figures[REPORTED] = timed(lambda: worker.ledger.delivery_reports.record(reports))
        compacted, compaction = enqueued(), worker.ledger.compaction
        _prepare(worker)
        producer.cancel(compacted)
        campaigns.forget_bodies(compacted)
        figures[COMPACTED] = timed(lambda: compaction.compact(compacted, closed_for_ms=0))
        figures[COMPACTED_PURGED] = timed(lambda: compaction.forget(compacted))
        producer.unsuppress([message["phone"] for message in sent])
        stream = producer.stream("orders", sender=SENDER)
        figures[STREAMED] = timed(lambda: _send(stream, messages(MESSAGES_A_CALL)))
        figures[STREAMED_TO_ONE] = timed(lambda: _send(stream, messages_to_one_phone(MESSAGES_A_CALL)))
        searched, index, digest = enqueued(), worker.ledger.message_index, _digests(1)
        of_batch = dict.fromkeys(range(len(sent)), digest)
        figures[INDEXED] = timed(lambda: index.note(searched, Searched.PHONE, of_batch, keep_ms=KEEP_MS))
        phones = measurement.size(PHONES, PHONES_IN_SHORT)
        client.set(schema.DIGESTS(searched, Searched.PHONE), _digests(1 + phones)[DIGEST_BYTES:])
        figures[SEARCHED] = timed(lambda: index.find(Searched.PHONE, digest, [searched]))
        return figures


ROW = Row(
    what="longest that one command keeps Redis, with a campaign of 10 000 batches or chunks",
    against="nothing: no other client waits for longer than this",
    unit="ms",
    sides=[Side("this project", _project)],
    goals=[Goal(name, name, at_most=20, gross=200) for name in FIGURES],
    drawn=FIGURES,
    note=(
        "By Redis's slow log, which notes what takes longer than 0.1 ms. The campaign is 10 000 messages to one "
        "phone; what is given up is a chunk of them, and what is accepted has 10 000 chunks. A stream gets a full "
        "call of 500. A phone is searched for in a campaign of a million messages. An operation is a flag, and steps "
        "of at most 25 batches; other clients come between two steps."
    ),
)
