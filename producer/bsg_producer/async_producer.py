"""The producer for asyncio apps: it waits for Redis without blocking the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast

import redis

from bsg_config.redis_connections import CONNECTIONS_OF_A_LOOP, connect_asyncio
from bsg_config.settings import Settings
from bsg_producer.producer import Producer
from bsg_producer.streams.stream import Stream
from bsg_producer.typed_messages import MessageLike

try:
    from bsg_producer.awaited_methods import Awaiting, awaited, awaited_over, iterated
    from bsg_producer.awaiting import END, AwaitedRedis, run
    from bsg_producer.streams.async_stream import AsyncStream
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "AsyncProducer needs greenlet: pip install 'bsg-campaigns[async]'", name=missing.name
    ) from None

T = TypeVar("T")
P = ParamSpec("P")
Messages = Iterable[MessageLike]


def _in_threads(
    method: Callable[Concatenate[Producer, P], Iterator[T]],
) -> Callable[Concatenate[AsyncProducer, P], AsyncIterator[T]]:
    """Return the method as an asynchronous iterator. It runs in a thread, because BSG's client is synchronous."""

    @wraps(method)
    async def call(self: AsyncProducer, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        items = await asyncio.to_thread(method, Producer(self._settings), *args, **kwargs)
        while (item := await asyncio.to_thread(next, items, END)) is not END:
            yield cast(T, item)

    return call


def _reporting(
    method: Callable[Concatenate[Producer, P], T],
) -> Callable[Concatenate[AsyncProducer, P], Coroutine[Any, Any, T]]:
    """Return the method as a coroutine function. It runs in a thread if `report` asks BSG."""

    @wraps(method)
    async def call(self: AsyncProducer, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if kwargs.get("report"):
            return await asyncio.to_thread(method, Producer(self._settings), *args, **kwargs)
        return await run(method, self._synchronous, *args, **kwargs)

    return call


def _previewing(
    method: Callable[Concatenate[Producer, Messages, P], T],
) -> Callable[Concatenate[AsyncProducer, Messages | AsyncIterable[MessageLike], P], Coroutine[Any, Any, T]]:
    """Return the method as a coroutine function. It runs in a thread, because BSG's client is synchronous.

    An asynchronous iterable is still read in the loop.
    """

    @wraps(method)
    async def call(
        self: AsyncProducer,
        messages: Messages | AsyncIterable[MessageLike],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        loop = asyncio.get_running_loop()
        ready = _read_in(loop, messages) if isinstance(messages, AsyncIterable) else messages
        return await asyncio.to_thread(method, Producer(self._settings), ready, *args, **kwargs)

    either: Any = call
    return either  # type: ignore[no-any-return]


def _read_in(loop: asyncio.AbstractEventLoop, items: AsyncIterable[T]) -> Iterator[T]:
    iterator = aiter(items)

    async def next_item() -> Any:
        return await anext(iterator, END)

    while (item := asyncio.run_coroutine_threadsafe(next_item(), loop).result()) is not END:
        yield cast(T, item)


def _streaming(
    method: Callable[Concatenate[Producer, P], Stream],
) -> Callable[Concatenate[AsyncProducer, P], AsyncStream]:
    """Return the method as one that makes an asynchronous stream. It is not a coroutine function: nothing is read."""

    @wraps(method)
    def call(self: AsyncProducer, /, *args: P.args, **kwargs: P.kwargs) -> AsyncStream:
        return AsyncStream(method(self._synchronous, *args, **kwargs))

    return call


class AsyncProducer(Awaiting[Producer]):
    """`Producer` for asyncio. Await its methods, or iterate them with `async for`. One per loop is enough.

    `stream` returns an `AsyncStream` at once. `enqueue` takes asynchronous iterables too. It blocks the loop for some
    milliseconds per 10 000 messages. It reads a synchronous iterable in the loop, so pass one that does not block. Only
    `report`, `preview` and `message(…, report=True)` use a thread, for their HTTP requests to BSG. Close the producer
    with `aclose`, or use it in `async with`.

    >>> async def accept():
    ...     async with AsyncProducer() as producer:
    ...         receipt = await producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!")
    ...         return [event.to_state async for event in producer.events()]
    >>> asyncio.run(accept())
    ['accepted']
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings = settings or Settings.from_environment()
        self._client = connect_asyncio(settings)
        awaited = AwaitedRedis(self._client, asyncio.Semaphore(CONNECTIONS_OF_A_LOOP))
        self._synchronous = Producer.over(cast(redis.Redis, awaited), settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections to Redis.

        >>> async def ask():
        ...     producer = AsyncProducer()
        ...     gate = await producer.gate()
        ...     await producer.aclose()
        ...     return gate.open
        >>> asyncio.run(ask())
        True
        """
        await self._client.aclose()

    enqueue = awaited_over(Producer.enqueue)
    preview = _previewing(Producer.preview)
    send_test = awaited_over(Producer.send_test)
    status = awaited(Producer.status)
    summary = awaited(Producer.summary)
    campaigns = iterated(Producer.campaigns)
    rejects = iterated(Producer.rejects)
    report = _in_threads(Producer.report)
    watch = iterated(Producer.watch)
    events = iterated(Producer.events)
    delivery_reports = iterated(Producer.delivery_reports)
    latest_delivery_report = awaited(Producer.latest_delivery_report)
    record_reports = awaited(Producer.record_reports)
    latest_event = awaited(Producer.latest_event)
    pause = awaited(Producer.pause)
    resume = awaited(Producer.resume)
    cancel = awaited(Producer.cancel)
    retry = awaited(Producer.retry)
    resolve = awaited(Producer.resolve)
    doubts = awaited(Producer.doubts)
    resolve_all_not_sent = awaited(Producer.resolve_all_not_sent)
    look_up = awaited(Producer.look_up)
    stream = _streaming(Producer.stream)
    streams = awaited(Producer.streams)
    message = _reporting(Producer.message)
    suppress = awaited(Producer.suppress)
    unsuppress = awaited(Producer.unsuppress)
    suppressed = iterated(Producer.suppressed)
    suppressions = iterated(Producer.suppressions)
    gate = awaited(Producer.gate)
    open_gate = awaited(Producer.open_gate)
    shut_gate = awaited(Producer.shut_gate)
