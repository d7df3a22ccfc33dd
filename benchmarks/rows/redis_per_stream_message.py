from __future__ import annotations

from tests.servers import RedisServer

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.messages import SENDER, messages
from benchmarks.sending_threads import send_from_threads
from bsg_config.settings import Settings
from bsg_producer import Producer, Stream

MESSAGES, MESSAGES_IN_SHORT = 10_000, 1_000

MEMORY = "memory of a waiting message, bytes"
PROCESSOR, ALONE = (f"messages a second, by Redis's processor, {threads}" for threads in ("16 threads", "one thread"))


def _one_thread(measurement: Measurement) -> Figures:
    count = measurement.size(MESSAGES, MESSAGES_IN_SHORT)
    with RedisServer(measurement.directory / "redis") as redis, redis.client() as client:
        stream = _stream(redis, count)
        before = int(client.info("memory")["used_memory"])
        for number, message in enumerate(messages(count)):
            stream.send(message, idempotency_key=f"order-{number}-sent")
        after = int(client.info("memory")["used_memory"])
        return {MEMORY: (after - before) / count, ALONE: _a_second(redis, count)}


def _threads(measurement: Measurement) -> Figures:
    count = measurement.size(MESSAGES, MESSAGES_IN_SHORT)
    with RedisServer(measurement.directory / "redis") as redis:
        send_from_threads(_stream(redis, count), count)
        return {PROCESSOR: _a_second(redis, count)}


def _stream(redis: RedisServer, count: int) -> Stream:
    """Return a stream that has begun its campaign."""
    stream = Producer(Settings.build(redis_url=redis.url)).stream("orders", sender=SENDER)
    stream.send(next(messages(1, first=count)))
    with redis.client() as client:
        client.config_resetstat()
    return stream


def _a_second(redis: RedisServer, count: int) -> float:
    with redis.client() as client:
        microseconds = float(client.info("commandstats")["cmdstat_evalsha"]["usec"])
    return count / (microseconds / 1_000_000)


ROW = Row(
    what="Redis's memory and processor for a message of a stream, its idempotency key included",
    against="the goal",
    sides=[Side("a stream, one thread", _one_thread), Side("a stream, 16 threads", _threads)],
    goals=[
        Goal("memory of a waiting message, bytes", MEMORY, at_most=350, gross=700),
        Goal("messages a second, by Redis's processor, 16 threads", PROCESSOR, at_least=10_000, gross=500),
        Goal("messages a second, by Redis's processor, one thread", ALONE, at_least=10_000, gross=500),
    ],
    if_not_met=(
        "a thread alone has a call of the script for each message, and the script reads the stream, its campaign and "
        "the batch that collects anew in each call. Threads of one process that send at the same time share calls."
    ),
    drawn=(MEMORY,),
    note=(
        "Texts of 63 to 73 characters, each different, with a key each. The messages wait in one batch. 16 threads of "
        "one process share the calls of the script; a thread alone has a call for each message."
    ),
)
