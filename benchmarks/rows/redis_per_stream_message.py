from __future__ import annotations

from tests.servers import RedisServer

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.messages import SENDER, messages
from bsg_config.settings import Settings
from bsg_producer import Producer

MESSAGES, MESSAGES_IN_SHORT = 10_000, 1_000

MEMORY, PROCESSOR = "memory of a waiting message, bytes", "messages a second, by Redis's processor"


def _stream(measurement: Measurement) -> Figures:
    count = measurement.size(MESSAGES, MESSAGES_IN_SHORT)
    with RedisServer(measurement.directory / "redis") as redis, redis.client() as client:
        stream = Producer(Settings.build(redis_url=redis.url)).stream("orders", sender=SENDER)
        stream.send(next(messages(1, first=count)))
        before = int(client.info("memory")["used_memory"])
        client.config_resetstat()
        for number, message in enumerate(messages(count)):
            stream.send(message, idempotency_key=f"order-{number}-sent")
        microseconds = float(client.info("commandstats")["cmdstat_evalsha"]["usec"])
        after = int(client.info("memory")["used_memory"])
    return {MEMORY: (after - before) / count, PROCESSOR: count / (microseconds / 1_000_000)}


ROW = Row(
    what="Redis's memory and processor for a message of a stream, its idempotency key included",
    against="the goal",
    sides=[Side("a stream", _stream)],
    goals=[
        Goal("memory of a waiting message, bytes", MEMORY, at_most=350, gross=700),
        Goal("messages a second, by Redis's processor", PROCESSOR, at_least=10_000, gross=500),
    ],
    drawn=(MEMORY,),
    note="Texts of 63 to 73 characters, each different, with a key each. The messages wait in one batch.",
)
