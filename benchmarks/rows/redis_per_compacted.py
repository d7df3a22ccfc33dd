from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from tests.processes import QUICK, wait_until
from tests.servers import RedisServer

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.messages import SENDER, chunks, messages
from bsg_config.settings import Settings
from bsg_ledger import schema
from bsg_ledger.work import Prepare, Send
from bsg_producer import Producer
from bsg_worker.prepare.prepare import prepare_chunk
from bsg_worker.runtime import Runtime, build
from bsg_worker.upkeep.purge import purge

CAMPAIGNS, CAMPAIGNS_IN_SHORT = 2_000, 200
MESSAGES, MESSAGES_IN_SHORT = 20_000, 2_000
AT_ONCE = 100  # campaigns that are not compacted yet
A_REQUEST = 100  # what 5 requests a second carry of 500 messages a second

TEXT = "Hi {{ name }}, order {{ order }} is on its way"
STATISTICS = (
    "delivered", "scheduled", "moderation", "accepted", "sending", "sent", "expired", "failed", "undelivered",
    "unknown", "read", "not_viber_user", "not_rcs_user",
)  # fmt: skip

CLOSED, COMPACTED = "closed campaign of one message, bytes", "compacted campaign of one message, bytes"
SENT, SENT_COMPACTED = "sent message of a stream, bytes", "sent message of a stream, compacted, bytes"
ALONE = "sent message of a stream, one a request, compacted, bytes"


class _Environment:
    """One Redis, with what a worker does there. BSG takes everything at once, and delivers it."""

    def __init__(self, redis: RedisServer, client: Any) -> None:
        settings = Settings.from_environment(
            {
                **QUICK,
                "REDIS_URL": redis.url,
                "BODY_RETENTION": "0",
                "COMPACT_AFTER": "0",
                "BSG_RATE_LIMIT": "10000/s",
            }
        )
        self.client = client
        self.producer = Producer(settings)
        self.runtime: Runtime = build(settings)
        self._bsg_ids = count(21_000_000, 7)

    def work(self) -> None:
        while isinstance(work := self.runtime.dispatcher.next("token"), (Prepare, Send)):
            if isinstance(work, Prepare):
                prepare_chunk(self.runtime, work)
            else:
                self._take(work)

    def _take(self, work: Send) -> None:
        batches = self.runtime.ledger.batches
        batches.taken(
            work.batch,
            account=self.runtime.account.id,
            bsg_campaign_id=next(self._bsg_ids),
            bsg_status="creation",
            next_poll_ms=0,
            cause="taken",
            token=work.token,
        )
        batches.polled(
            work.batch,
            status="done",
            final=True,
            statistics=json.dumps({**dict.fromkeys(STATISTICS, 0), "delivered": work.size}),
            price=f"{work.size / 100:.7f}",
            currency="EUR",
            total_messages=work.size,
            next_poll_ms=None,
        )

    def used(self) -> int:
        """Return the bytes of what campaigns leave. The feed and the keys of a stream end by themselves."""
        self.client.delete(schema.EVENTS(), *self.client.keys(schema.STREAM_KEYS("*", "*")))
        self.runtime.redis.close()
        wait_until(lambda: self.client.info("memory")["lazyfree_pending_objects"] == 0, within=10, what="Redis to free")
        return int(self.client.info("memory")["used_memory"])

    def compact(self) -> None:
        """Forget the messages of all closed campaigns, and compact these."""
        while purge(self.runtime):
            pass


@contextmanager
def _environment(measurement: Measurement) -> Iterator[_Environment]:
    with RedisServer(measurement.directory / "redis") as redis, redis.client() as client:
        yield _Environment(redis, client)


def _campaigns(measurement: Measurement) -> Figures:
    size = measurement.size(CAMPAIGNS, CAMPAIGNS_IN_SHORT)
    with _environment(measurement) as environment:

        def send(number: int) -> None:
            message = {"phone": 380_661_000_000 + number, "name": "Olena", "order": number}
            environment.producer.enqueue([message], sender=SENDER, text=TEXT, idempotency_key=f"order-{number}-sent")
            environment.work()

        send(0)
        environment.compact()
        before = environment.used()
        for number in range(1, AT_ONCE + 1):
            send(number)
        closed = environment.used()
        for number in range(AT_ONCE + 1, size + 1):
            if number % AT_ONCE == 1:
                environment.compact()
            send(number)
        environment.compact()
        compacted = environment.used()
    return {CLOSED: (closed - before) / AT_ONCE, COMPACTED: (compacted - before) / size}


def _streamed(measurement: Measurement, a_request: int) -> tuple[float, float]:
    size = measurement.size(MESSAGES, MESSAGES_IN_SHORT) // (1 if a_request > 1 else 10)
    with _environment(measurement) as environment:
        stream = environment.producer.stream("orders", sender=SENDER)

        def send(some: list[dict[str, Any]]) -> str:
            receipts = [stream.send(message) for message in some]
            environment.work()
            return environment.producer.message(receipts[0].message_id).campaign_id

        def close(campaign_id: str) -> None:
            environment.client.hset(schema.CAMPAIGN(campaign_id), "collects_until", 1)
            environment.runtime.ledger.streams.stop_collecting(campaign_id)

        close(send(list(messages(1, first=size))))
        environment.compact()
        before = environment.used()
        for some in chunks(messages(size), a_request):
            campaign_id = send(some)
        close(campaign_id)
        sent = environment.used()
        environment.compact()
        compacted = environment.used()
    return (sent - before) / size, (compacted - before) / size


def _stream(measurement: Measurement) -> Figures:
    sent, compacted = _streamed(measurement, A_REQUEST)
    return {SENT: sent, SENT_COMPACTED: compacted}


def _stream_alone(measurement: Measurement) -> Figures:
    return {ALONE: _streamed(measurement, 1)[1]}


ROW = Row(
    what="Redis's memory for what is closed, before and after its compaction",
    against="the goal",
    sides=[Side("campaigns", _campaigns), Side("a stream", _stream), Side("a stream without a limit", _stream_alone)],
    goals=[
        Goal("compacted campaign of one message, bytes", COMPACTED, at_most=700, gross=1400),
        Goal("compacted message of a stream, bytes", SENT_COMPACTED, at_most=40, gross=80),
    ],
    drawn=(CLOSED, COMPACTED),
    note=f"A campaign has an idempotency key of its own. A request of the stream carries {A_REQUEST} messages, and one "
    "in the last figure. The feed of all campaigns is left out.",
)
