"""What `Stream.send` promises: a message is accepted once or not at all, and a clear word about which."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import redis

from bsg_config.settings import Settings
from bsg_producer import CampaignInvalid, EnqueueUnconfirmed, Producer, QueueNotDurable, QueueUnavailable, Stream
from tests.lossy_proxy import LossyProxy
from tests.servers import RedisServer, free_port

CODE = {"phone": "380661231231", "text": "Your code is 1234"}


def stream_at(url: str, **settings: Any) -> Stream:
    return Producer(Settings.build(redis_url=url, **settings)).stream("codes", sender="MyShop")


def accepted_at(url: str) -> int:
    campaigns = Producer(Settings.build(redis_url=url)).campaigns()
    return sum(campaign.counts["accepted"] for campaign in campaigns)


def test_a_message_whose_response_is_lost_once_is_asked_about_again_and_accepted(
    redis_server: RedisServer, redis_url: str
) -> None:
    with LossyProxy(redis_server.port) as proxy:
        stream = stream_at(proxy.redis_url, queue_timeout=1)
        stream.send({**CODE, "text": "the first message"})
        proxy.lose_responses_to(b"the second message", times=1)
        receipt = stream.send({**CODE, "text": "the second message"})
    assert not receipt.duplicate
    assert accepted_at(redis_url) == 2


def test_a_message_whose_response_stays_lost_is_unconfirmed_and_its_key_makes_trying_again_safe(
    redis_server: RedisServer, redis_url: str
) -> None:
    with LossyProxy(redis_server.port) as proxy:
        stream = stream_at(proxy.redis_url, queue_timeout=1)
        stream.send({**CODE, "text": "the first message"})
        proxy.lose_responses_to(b"the second message", times=2)
        with pytest.raises(EnqueueUnconfirmed) as caught:
            stream.send({**CODE, "text": "the second message"})
        again = stream.send({**CODE, "text": "the second message"}, idempotency_key=caught.value.idempotency_key)
    assert again.duplicate
    assert accepted_at(redis_url) == 2


def test_a_redis_that_cannot_be_reached_has_no_message() -> None:
    with pytest.raises(QueueUnavailable, match="cannot be reached"):
        stream_at(f"redis://127.0.0.1:{free_port()}/0").send(CODE)


@pytest.mark.server_kinds("valkey")
def test_a_server_without_an_append_only_file_gets_no_message(own_redis_server: RedisServer) -> None:
    own_redis_server.client().config_set("appendonly", "no")
    with pytest.raises(QueueNotDurable, match="appendonly yes"):
        stream_at(own_redis_server.url).send(CODE)
    assert accepted_at(own_redis_server.url) == 0


@pytest.mark.server_kinds("valkey")
def test_a_message_that_is_not_on_disk_in_time_is_unconfirmed_however_often_it_is_tried(
    own_redis_server: RedisServer,
) -> None:
    client = own_redis_server.client()
    client.config_set("appendfsync", "everysec")
    stream = stream_at(own_redis_server.url, queue_timeout=3)
    stream.send({**CODE, "text": "the first message"})
    client.config_set("appendfsync", "no")  # as with a disk that never comes to an end
    for another in (stream_at(own_redis_server.url, queue_timeout=3) for _ in range(2)):
        another._ledger.durability._way = "wait"
        another._ledger.durability._timeout_ms = 100  # well before the connection's own timeout
        with pytest.raises(EnqueueUnconfirmed):
            another.send(CODE, idempotency_key="key")
    client.config_set("appendfsync", "everysec")
    assert stream.send(CODE, idempotency_key="key").duplicate


def test_a_full_redis_is_reported_and_has_no_message(own_redis_server: RedisServer) -> None:
    stream = stream_at(own_redis_server.url)
    stream.send({**CODE, "text": "the first message"})
    own_redis_server.client().config_set("maxmemory", "1mb")
    with pytest.raises(QueueUnavailable, match="full"):
        stream.send(CODE)
    own_redis_server.client().config_set("maxmemory", "0")
    assert accepted_at(own_redis_server.url) == 1


@pytest.mark.parametrize("key", ["", "line\nbreak", "x" * 201, 5])
def test_an_idempotency_key_of_a_message_is_printable_text_of_bounded_length(redis_url: str, key: Any) -> None:
    with pytest.raises(CampaignInvalid) as invalid:
        stream_at(redis_url).send(CODE, idempotency_key=key)
    assert list(invalid.value.errors) == ["idempotency_key"]
    assert accepted_at(redis_url) == 0


def test_many_threads_may_share_a_stream(redis_url: str) -> None:
    stream = stream_at(redis_url)
    ids: list[str] = []

    def send(thread: int) -> None:
        for number in range(20):
            ids.append(stream.send({**CODE, "phone": 380_660_000_000 + 100 * thread + number}).message_id)

    threads = [threading.Thread(target=send, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 160 == accepted_at(redis_url)


def test_encrypted_messages_are_nowhere_in_redis_as_they_were_given(redis_url: str) -> None:
    from cryptography.fernet import Fernet

    stream = stream_at(redis_url, body_key=(Fernet.generate_key().decode(),))
    stream.send({"phone": "380661231231", "text": "Your secret is 1234"})
    client: Any = redis.Redis.from_url(redis_url)
    (body,) = (client.get(key) for key in client.scan_iter("bsg:campaign:*:batch:*:messages"))
    assert b"secret" not in body
    assert b"380661231231" not in body
