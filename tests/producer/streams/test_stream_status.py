"""The state of whole streams, as callers of the producer read it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from bsg_cli.errors import ExitCode
from bsg_cli.main import main
from bsg_config.settings import Settings
from bsg_monitor.stream_observer import StreamObserver
from bsg_producer import Producer

FEW, CLOSED = 5, 300


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


def test_every_stream_is_returned_with_its_open_campaigns_and_its_status_has_all(producer: Producer) -> None:
    send(producer, "orders")
    send(producer, "orders", validity=24)
    producer.stream("orders").cancel()
    send(producer, "orders")
    send(producer, "codes")
    producer.stream("codes").pause()

    found = {stream.name: stream for stream in producer.streams()}

    assert {name: (stream.paused, len(stream.campaigns)) for name, stream in found.items()} == {
        "orders": (False, 1),
        "codes": (True, 1),
    }
    listed, status = found["orders"].counts, producer.stream("orders").status()
    assert (listed["accepted"], listed["cancelled"], listed["pending"]) == (1, 0, 1)
    assert (status.counts["accepted"], status.counts["cancelled"], status.counts["pending"]) == (3, 2, 1)
    assert (len(status.campaigns), status.campaigns[0]) == (3, found["orders"].campaigns[0])


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


def list_by_command(settings: Settings) -> None:
    assert main(["stream", "list"]) == ExitCode.OK


@pytest.mark.parametrize(
    "read",
    [
        lambda settings: Producer(settings).streams(),
        lambda settings: StreamObserver(settings).streams(1),
        list_by_command,
    ],
    ids=["streams", "Flower's table", "stream list"],
)
def test_closed_campaigns_cost_a_list_of_streams_nothing(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, read: Callable[[Settings], object]
) -> None:
    settings = Settings.build(redis_url=redis_url)
    producer = Producer(settings)
    monkeypatch.setenv("REDIS_URL", redis_url)
    with redis.Redis.from_url(redis_url) as client:

        def commands() -> int:
            before: int = client.info("stats")["total_commands_processed"]
            read(settings)
            return int(client.info("stats")["total_commands_processed"]) - before - 1

        def close(campaigns: int) -> None:
            for _ in range(campaigns):
                producer.stream("orders").cancel()
                send(producer, "orders")

        send(producer, "orders")
        close(FEW)
        with_few = commands()
        close(CLOSED - FEW)

        assert client.zcard("bsg:stream:orders:campaigns") == CLOSED + 1
        assert commands() == with_few
