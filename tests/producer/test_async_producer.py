"""The asyncio producer does what the other one does, and the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

import pytest
import redis

from bsg_config.settings import Settings
from bsg_producer import (
    AsyncProducer,
    AsyncStream,
    CampaignInvalid,
    CampaignNotFound,
    FeedGap,
    IdempotencyConflict,
    MessageInvalid,
    MessageNotFound,
    Producer,
    QueueUnavailable,
    Stream,
)
from bsg_producer.awaiting import wait_for
from tests.producer.test_enqueueing import messages, producer_at

T = TypeVar("T")


def with_producer(redis_url: str, act: Callable[[AsyncProducer], Awaitable[T]], **settings: Any) -> T:
    async def run() -> T:
        async with AsyncProducer(Settings.build(redis_url=redis_url, bsg_api_key="live_test", **settings)) as producer:
            return await act(producer)

    return asyncio.run(run())


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_it_has_the_same_methods_with_the_same_arguments() -> None:
    assert public(AsyncProducer) - public(Producer) == {"aclose"}
    assert public(Producer) - public(AsyncProducer) == {"over"}
    assert public(AsyncStream) == public(Stream)
    for asynchronous, synchronous in ((AsyncProducer, Producer), (AsyncStream, Stream)):
        for name in public(synchronous) - {"over", "name"}:
            ours, theirs = getattr(asynchronous, name), getattr(synchronous, name)
            assert inspect.signature(ours) == inspect.signature(theirs)
            assert ours.__doc__ == theirs.__doc__


def test_a_campaign_is_accepted_controlled_and_reported(redis_url: str) -> None:
    async def act(producer: AsyncProducer) -> tuple[Any, ...]:
        receipt = await producer.enqueue(messages(3), sender="MyShop", idempotency_key="key")
        campaign = receipt.campaign_id
        await producer.pause(campaign)
        paused = (await producer.status(campaign)).paused
        await producer.resume(campaign)
        duplicate = await producer.enqueue(messages(3), sender="MyShop", idempotency_key="key")
        await producer.cancel(campaign)
        return (
            paused,
            duplicate.duplicate,
            [summary.campaign_id async for summary in producer.campaigns()] == [campaign],
            [event.to_state async for event in producer.watch(campaign)],
            [event.to_state async for event in producer.events()],
            [reject async for reject in producer.rejects(campaign)],
            [event async for event in producer.events(since=await producer.latest_event())],
            (await producer.gate()).open,
        )

    assert with_producer(redis_url, act) == (
        True, True, True,
        *(["accepted", "paused", "running", "cancelling", "cancelled", "cancelled"],) * 2,
        [], [], True,
    )  # fmt: skip


def test_a_stream_is_sent_to_controlled_and_reported(redis_url: str) -> None:
    async def act(producer: AsyncProducer) -> tuple[Any, ...]:
        codes = producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
        receipt = await codes.send({"phone": 380661231231, "code": 1}, idempotency_key="code-1")
        duplicate = await codes.send({"phone": 380661231231, "code": 1}, idempotency_key="code-1")
        await codes.pause()
        paused = (await codes.status()).paused
        await codes.resume()
        pending = (await producer.message(receipt.message_id)).state
        gone = await codes.cancel()
        return (
            codes.name,
            duplicate.duplicate and duplicate.message_id == receipt.message_id,
            paused,
            pending,
            gone,
            (await producer.message(receipt.message_id)).state,
            (await codes.status()).counts["cancelled"],
            [(stream.name, stream.paused, stream.waiting) for stream in await producer.streams()],
        )

    assert with_producer(redis_url, act) == (
        "codes", True, True, "pending", 0, "cancelled", 1, [("codes", False, 0)],
    )  # fmt: skip


def test_many_messages_of_a_stream_come_from_either_kind_of_iterable(redis_url: str) -> None:
    rows = [({"phone": 380661231231 + number, "code": number}, f"code-{number}") for number in range(5)]

    async def coming() -> AsyncIterator[tuple[Mapping[str, Any], str | None]]:
        for row in rows:
            await asyncio.sleep(0)
            yield row

    async def act(producer: AsyncProducer) -> tuple[list[str], list[str], set[bool]]:
        codes = producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
        first = [receipt async for receipt in codes.send_many(coming())]
        again = [receipt async for receipt in codes.send_many(rows)]
        return (
            [receipt.message_id for receipt in first],
            [receipt.message_id for receipt in again],
            {receipt.duplicate for receipt in again},
        )

    first, again, duplicate = with_producer(redis_url, act)
    assert first == again
    assert len(set(first)) == 5
    assert duplicate == {True}


def test_messages_of_a_stream_are_accepted_at_once_by_many_tasks(redis_url: str) -> None:
    async def act(producer: AsyncProducer) -> set[str]:
        codes = producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
        sending = (codes.send({"phone": 380661231231 + number, "code": number}) for number in range(200))
        return {receipt.message_id for receipt in await asyncio.gather(*sending)}

    assert len(with_producer(redis_url, act)) == 200


def test_failures_of_a_stream_are_raised_as_by_the_other_one(redis_url: str) -> None:
    async def act(producer: AsyncProducer) -> int:
        with pytest.raises(CampaignInvalid):
            producer.stream("Not a name")
        codes = producer.stream("codes", sender="MyShop")
        with pytest.raises(MessageInvalid):
            await codes.send({"phone": "12", "text": "Hello!"})
        await codes.send({"phone": 380661231231, "text": "Hello!"}, idempotency_key="key")
        with pytest.raises(IdempotencyConflict):
            await codes.send({"phone": 380661231231, "text": "Bye!"}, idempotency_key="key")
        with pytest.raises(MessageInvalid):
            await anext(codes.send_many([({"phone": "12", "text": "Hello!"}, None)]))
        with pytest.raises(MessageNotFound):
            await producer.message("nothing")
        return (await codes.status()).counts["accepted"]

    assert with_producer(redis_url, act) == 1


def test_both_kinds_of_producer_share_one_ledger(redis_url: str) -> None:
    campaign = with_producer(redis_url, lambda producer: producer.enqueue(messages(2), sender="MyShop")).campaign_id

    assert producer_at(redis_url).status(campaign).counts["accepted"] == 2


def test_an_asynchronous_iterable_is_read_as_it_comes(redis_url: str) -> None:
    async def coming() -> AsyncIterator[Mapping[str, Any]]:
        for message in messages(25):
            await asyncio.sleep(0)
            yield message

    async def act(producer: AsyncProducer) -> bool:
        first = await producer.enqueue(coming(), sender="MyShop", idempotency_key="key")
        again = await producer.enqueue(list(messages(25)), sender="MyShop", idempotency_key="key")
        return not first.duplicate and again.duplicate

    assert with_producer(redis_url, act)


@pytest.mark.parametrize("wrong", ["no mappings", 5])
def test_what_is_no_iterable_is_reported_as_such(redis_url: str, wrong: Any) -> None:
    with pytest.raises(CampaignInvalid, match="messages: must be an iterable"):
        with_producer(redis_url, lambda producer: producer.enqueue(wrong, sender="MyShop"))


def test_failures_are_raised_as_by_the_other_one(redis_url: str) -> None:
    async def act(producer: AsyncProducer) -> None:
        with pytest.raises(CampaignInvalid):
            await producer.enqueue([], sender="MyShop")
        await producer.enqueue(messages(1), sender="MyShop", idempotency_key="key")
        with pytest.raises(IdempotencyConflict):
            await producer.enqueue(messages(2), sender="MyShop", idempotency_key="key")
        with pytest.raises(CampaignNotFound):
            await producer.status("nothing")
        with pytest.raises(CampaignNotFound):
            await anext(producer.rejects("nothing"))
        with pytest.raises(FeedGap):
            await anext(producer.events(since="1-1.999"))

    with_producer(redis_url, act)


def test_a_redis_that_is_not_there_is_reported_in_time() -> None:
    began = time.monotonic()

    with pytest.raises(QueueUnavailable, match="cannot be reached"):
        with_producer("redis://127.0.0.1:1/0", lambda producer: producer.enqueue(messages(1), sender="MyShop"))

    assert time.monotonic() - began < 5


def test_the_loop_goes_on_while_redis_is_silent(redis_url: str) -> None:
    redis.Redis.from_url(redis_url).client_pause(600)

    async def act(producer: AsyncProducer) -> int:
        ticks = 0
        enqueueing = asyncio.create_task(as_coroutine(producer.enqueue(messages(1), sender="MyShop")))
        while not enqueueing.done():
            await asyncio.sleep(0.01)
            ticks += 1
        await enqueueing
        return ticks

    assert with_producer(redis_url, act) > 20


async def as_coroutine(awaitable: Awaitable[T]) -> T:
    return await awaitable


def test_many_campaigns_are_enqueued_at_once_over_a_bounded_number_of_connections(redis_url: str) -> None:
    async def act(producer: AsyncProducer) -> list[str]:
        receipts = await asyncio.gather(*(producer.enqueue(messages(1), sender="MyShop") for _ in range(300)))
        return [receipt.campaign_id for receipt in receipts]

    assert len(set(with_producer(redis_url, act))) == 300


def test_many_threads_have_a_connection_each(redis_url: str) -> None:
    producer = producer_at(redis_url, bsg_api_key="live_test")
    client: Any = redis.Redis.from_url(redis_url)
    client.client_pause(1_000)
    failures: list[Exception] = []

    def ask() -> None:
        try:
            producer.gate()
        except QueueUnavailable as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def test_a_cancelled_enqueue_leaves_nothing_behind(redis_url: str) -> None:
    client: Any = redis.Redis.from_url(redis_url)

    async def never_ending() -> AsyncIterator[Mapping[str, Any]]:
        for message in messages(10_000):
            yield message
        await asyncio.sleep(3_600)
        yield {}

    async def act(producer: AsyncProducer) -> None:
        enqueueing = asyncio.create_task(as_coroutine(producer.enqueue(never_ending(), sender="MyShop")))
        while not client.keys("bsg:campaign:*:messages"):
            await asyncio.sleep(0.01)
        enqueueing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await enqueueing

    with_producer(redis_url, act)

    assert client.keys("bsg:campaign*") == []


def test_the_callers_context_is_that_of_its_iterable(redis_url: str) -> None:
    request: ContextVar[str] = ContextVar("request")

    def rendered() -> Iterator[dict[str, Any]]:
        yield {"phone": 380661231231, "text": request.get()}

    async def act(producer: AsyncProducer) -> int:
        request.set("order 1742")
        return (await producer.enqueue(rendered(), sender="MyShop")).messages

    assert with_producer(redis_url, act) == 1


def test_waiting_outside_of_a_coroutine_is_reported_as_a_mistake() -> None:
    begun = asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="AsyncProducer's methods are coroutines"):
        wait_for(begun)

    begun.close()


def test_an_app_without_asyncio_never_imports_greenlet() -> None:
    program = "import sys, bsg_producer; print('greenlet' in sys.modules, 'bsg_producer.async_producer' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "False"]


def test_without_greenlet_it_says_what_to_install() -> None:
    program = (
        "import sys\n"
        "sys.modules['greenlet'] = None\n"
        "try:\n"
        "    from bsg_producer import AsyncProducer\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "pip install 'bsg-campaigns[async]'" in done.stdout
