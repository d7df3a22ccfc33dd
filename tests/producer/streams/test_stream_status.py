"""The state of whole streams, as callers of the producer read it."""

from __future__ import annotations

import pytest
import redis

from bsg_config.settings import Settings
from bsg_producer import Producer


@pytest.fixture
def producer(redis_url: str) -> Producer:
    return Producer(Settings.build(redis_url=redis_url))


def send(producer: Producer, stream: str, *, validity: int = 72) -> None:
    """Send a message. Each validity has a campaign of its own."""
    producer.stream(stream, sender="MyShop", validity=validity).send({"phone": 380_661_231_231, "text": "Hi"})


def requests_read(client: redis.Redis) -> int:
    """Return how often Redis has read from a connection, this time included."""
    info: dict[str, int] = client.info("stats")
    return info["total_reads_processed"]


def test_every_stream_is_returned_with_the_counts_of_all_its_campaigns(producer: Producer) -> None:
    send(producer, "orders")
    send(producer, "orders", validity=24)
    producer.stream("orders").cancel()
    send(producer, "orders")
    send(producer, "codes")
    producer.stream("codes").pause()

    found = {stream.name: stream for stream in producer.streams()}

    assert {name: (stream.paused, len(stream.campaigns)) for name, stream in found.items()} == {
        "orders": (False, 3),
        "codes": (True, 1),
    }
    orders = found["orders"].counts
    assert (orders["accepted"], orders["cancelled"], orders["pending"]) == (3, 2, 1)
    assert found["orders"] == producer.stream("orders").status()
    assert found["codes"] == producer.stream("codes").status()


def test_no_streams_are_returned_before_the_first_message(producer: Producer) -> None:
    producer.stream("orders", sender="MyShop")

    assert producer.streams() == []


def test_many_streams_are_read_in_as_few_round_trips_as_one(producer: Producer, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:

        def round_trips() -> int:
            before = requests_read(client)
            producer.streams()
            return requests_read(client) - before - 1

        send(producer, "first")
        producer.streams()
        with_one = round_trips()
        for number in range(5):
            send(producer, f"stream-{number}")

        assert round_trips() == with_one
