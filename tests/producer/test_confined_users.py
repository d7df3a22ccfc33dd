"""A web app whose user of Redis may use some keys only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from bsg_config.settings import Settings
from bsg_producer import Producer, QueueUnavailable, Stream
from bsg_sandbox.server import Sandbox
from tests.scenarios.environment import messages
from tests.worker.harness import WorkerHarness

CODE = {"phone": 380_661_231_231}


def codes(producer: Producer) -> Stream:
    return producer.stream("codes", sender="MyShop", text="Your code is 1")


@pytest.fixture
def harness(redis_url: str) -> Iterator[WorkerHarness]:
    with Sandbox() as sandbox:
        yield WorkerHarness(redis_url, sandbox)


@pytest.fixture
def confined(harness: WorkerHarness, redis_url: str) -> Iterator[Callable[..., Producer]]:
    """Makes a producer whose user may use keys of these patterns."""
    with redis.Redis.from_url(redis_url) as administrator:

        def producer(*patterns: str) -> Producer:
            administrator.execute_command("ACL", "SETUSER", "web", "on", ">secret", *patterns, "&*", "+@all")
            url = redis_url.replace("redis://", "redis://web:secret@")
            return Producer(Settings.from_environment({**harness.environment, "REDIS_URL": url}))

        yield producer
        administrator.execute_command("ACL", "DELUSER", "web")


def test_a_message_is_sent_and_a_campaign_enqueued_with_the_keys_that_the_docs_name(
    harness: WorkerHarness, confined: Callable[..., Producer]
) -> None:
    producer = confined("~bsg:*", "~dispatch.*")

    message = codes(producer).send(CODE)
    campaign = producer.enqueue(messages(3), sender="MyShop")
    harness.prepare_and_submit(campaign.campaign_id)

    assert producer.message(message.message_id).state == "submitted"
    assert harness.status(campaign.campaign_id).counts["submitted"] == 3


def test_a_message_that_redis_refused_is_sent_once_by_the_next_try(
    harness: WorkerHarness, confined: Callable[..., Producer]
) -> None:
    with pytest.raises(QueueUnavailable):
        codes(confined("~bsg:*")).send(CODE, idempotency_key="code-1")

    receipt = codes(harness.producer).send(CODE, idempotency_key="code-1")
    for _ in range(3):
        harness.dispatch()

    assert not receipt.duplicate
    assert harness.sandbox.record().messages == 1


def test_a_campaign_that_redis_refused_is_accepted_by_the_next_try(
    harness: WorkerHarness, confined: Callable[..., Producer]
) -> None:
    with pytest.raises(QueueUnavailable):
        confined("~bsg:*").enqueue(messages(3), sender="MyShop", idempotency_key="spring")

    receipt = harness.producer.enqueue(messages(3), sender="MyShop", idempotency_key="spring")
    harness.prepare_and_submit(receipt.campaign_id)

    assert not receipt.duplicate
    assert harness.status(receipt.campaign_id).counts["submitted"] == 3
