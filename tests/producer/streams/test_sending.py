"""What `Stream.send` promises: a message is accepted once or not at all, and a clear word about which."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from bsg_config.settings import Settings
from bsg_ledger.streams import MESSAGES_A_CALL
from bsg_messages.rejects import RejectCode
from bsg_producer import (
    CampaignInvalid,
    EnqueueUnconfirmed,
    MessageInvalid,
    Producer,
    QueueNotDurable,
    QueueUnavailable,
    Stream,
)
from bsg_producer.streams.sending import GATHER_SECONDS
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


Rows = list[tuple[dict[str, Any], str | None]]


def rows_of(count: int) -> Rows:
    return [({**CODE, "phone": 380_660_000_000 + number}, f"code-{number}") for number in range(count)]


def commits_at(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        commands: Any = client.info("commandstats")
    return sum(int(commands.get(f"cmdstat_{name}", {"calls": 0})["calls"]) for name in ("evalsha", "eval"))


def test_a_stream_begins_another_campaign_after_its_time(redis_url: str) -> None:
    stream = stream_at(redis_url, stream_campaign_time=1)
    first, same = stream.send(CODE), stream.send({**CODE, "text": "Your code is 5678"})
    time.sleep(1.1)
    another = stream.send({**CODE, "text": "Your code is 9012"})
    producer = Producer(Settings.build(redis_url=redis_url))
    campaigns = [producer.message(one.message_id).campaign_id for one in (first, same, another)]
    assert campaigns[0] == campaigns[1] != campaigns[2]


def test_many_messages_are_accepted_in_few_commits_in_their_order(redis_url: str) -> None:
    stream = stream_at(redis_url)
    stream.send(CODE)
    before = commits_at(redis_url)
    receipts = list(stream.send_many(rows_of(MESSAGES_A_CALL + 1)))
    assert commits_at(redis_url) == before + 2
    assert len({receipt.message_id for receipt in receipts}) == MESSAGES_A_CALL + 1 == accepted_at(redis_url) - 1
    assert receipts == sorted(receipts, key=lambda receipt: receipt.message_id)
    assert all(receipt.duplicate for receipt in stream.send_many(rows_of(MESSAGES_A_CALL + 1)))


def test_none_of_many_messages_is_accepted_behind_one_that_is_refused(redis_url: str) -> None:
    producer = Producer(Settings.build(redis_url=redis_url))
    producer.suppress([380_660_000_002])
    receipts = producer.stream("codes", sender="MyShop").send_many(rows_of(5))
    before = [next(receipts) for _ in range(2)]
    with pytest.raises(MessageInvalid) as refused:
        next(receipts)
    assert (refused.value.code, len(before), accepted_at(redis_url)) == (RejectCode.SUPPRESSED, 2, 2)


def test_messages_that_an_iterable_gave_before_it_failed_are_accepted(redis_url: str) -> None:
    def failing() -> Iterator[tuple[dict[str, Any], str | None]]:
        yield from rows_of(2)
        raise LookupError

    receipts = stream_at(redis_url).send_many(failing())
    before = [next(receipts) for _ in range(2)]
    with pytest.raises(LookupError):
        next(receipts)
    assert (len(before), accepted_at(redis_url)) == (2, 2)


def test_a_slow_iterable_holds_no_message_back(redis_url: str) -> None:
    accepted: list[int] = []

    def slow() -> Iterator[tuple[dict[str, Any], str | None]]:
        for row in rows_of(3):
            time.sleep(1.1 * GATHER_SECONDS)
            accepted.append(accepted_at(redis_url))
            yield row

    assert len(list(stream_at(redis_url).send_many(slow()))) == 3
    assert accepted == [0, 1, 2]


def test_many_messages_whose_response_stays_lost_are_unconfirmed_and_their_keys_make_trying_again_safe(
    redis_server: RedisServer, redis_url: str
) -> None:
    rows = [(message, None) for message, _ in rows_of(3)]
    with LossyProxy(redis_server.port) as proxy:
        stream = stream_at(proxy.redis_url, queue_timeout=1)
        stream.send({**CODE, "text": "the first message"})
        proxy.lose_responses_to(b"Your code is 1234", times=2)
        with pytest.raises(EnqueueUnconfirmed, match="3 messages") as caught:
            list(stream.send_many(rows))
        keyed = zip((message for message, _ in rows), caught.value.idempotency_keys, strict=True)
        again = list(stream.send_many(keyed))
    assert [receipt.duplicate for receipt in again] == [True, True, True]
    assert accepted_at(redis_url) == 4


def test_encrypted_messages_are_nowhere_in_redis_as_they_were_given(redis_url: str) -> None:
    from cryptography.fernet import Fernet

    stream = stream_at(redis_url, body_key=(Fernet.generate_key().decode(),))
    stream.send({"phone": "380661231231", "text": "Your secret is 1234"})
    client: Any = redis.Redis.from_url(redis_url)
    (body,) = (client.get(key) for key in client.scan_iter("bsg:campaign:*:batch:*:messages"))
    assert b"secret" not in body
    assert b"380661231231" not in body
