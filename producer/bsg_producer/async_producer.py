"""The producer for asyncio apps: it waits for Redis without blocking the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast

import redis

from bsg_config.redis_connections import CONNECTIONS_OF_A_LOOP, connect_asyncio
from bsg_config.settings import Settings
from bsg_producer.enqueueing import Receipt
from bsg_producer.producer import Producer

try:
    from bsg_producer.awaiting import AwaitedRedis, pulled, run
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "AsyncProducer needs greenlet: pip install 'bsg-campaigns[async]'", name=missing.name
    ) from None

T = TypeVar("T")
P = ParamSpec("P")
Messages = Iterable[Mapping[str, Any]]

_END = object()


def _awaited(
    method: Callable[Concatenate[Producer, P], T],
) -> Callable[Concatenate[AsyncProducer, P], Coroutine[Any, Any, T]]:
    @wraps(method)
    async def call(self: AsyncProducer, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await run(method, self._producer, *args, **kwargs)

    return call


def _iterated(
    method: Callable[Concatenate[Producer, P], Iterator[T]],
) -> Callable[Concatenate[AsyncProducer, P], AsyncIterator[T]]:
    @wraps(method)
    async def call(self: AsyncProducer, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        items = await run(method, self._producer, *args, **kwargs)
        while (item := await run(next, items, _END)) is not _END:
            yield cast(T, item)

    return call


def _in_threads(
    method: Callable[Concatenate[Producer, P], Iterator[T]],
) -> Callable[Concatenate[AsyncProducer, P], AsyncIterator[T]]:
    """Return the method as an asynchronous iterator. It runs in a thread, because BSG's client is synchronous."""

    @wraps(method)
    async def call(self: AsyncProducer, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        items = await asyncio.to_thread(method, Producer(self._settings), *args, **kwargs)
        while (item := await asyncio.to_thread(next, items, _END)) is not _END:
            yield cast(T, item)

    return call


def _previewing(
    method: Callable[Concatenate[Producer, Messages, P], T],
) -> Callable[Concatenate[AsyncProducer, Messages | AsyncIterable[Mapping[str, Any]], P], Coroutine[Any, Any, T]]:
    """Return the method as a coroutine function. It runs in a thread, because BSG's client is synchronous.

    An asynchronous iterable is still read in the loop.
    """

    @wraps(method)
    async def call(
        self: AsyncProducer,
        messages: Messages | AsyncIterable[Mapping[str, Any]],
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
        return await anext(iterator, _END)

    while (item := asyncio.run_coroutine_threadsafe(next_item(), loop).result()) is not _END:
        yield cast(T, item)


def _enqueueing(
    method: Callable[Concatenate[Producer, Messages, P], Receipt],
) -> Callable[Concatenate[AsyncProducer, Messages | AsyncIterable[Mapping[str, Any]], P], Coroutine[Any, Any, Receipt]]:
    @wraps(method)
    async def call(
        self: AsyncProducer,
        messages: Messages | AsyncIterable[Mapping[str, Any]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Receipt:
        ready = pulled(messages) if isinstance(messages, AsyncIterable) else messages
        return await run(method, self._producer, ready, *args, **kwargs)

    either: Any = call  # no callable type allows `messages` by position and by name
    return either  # type: ignore[no-any-return]


class AsyncProducer:
    """`Producer` for asyncio. Await its methods, or iterate them with `async for`. One per loop is enough.

    `enqueue` takes asynchronous iterables too. It blocks the loop for some milliseconds per 10 000 messages. It reads a
    synchronous iterable in the loop, so pass one that does not block. Only `report` and `preview` use a thread, for
    their HTTP requests to BSG. Close the producer with `aclose`, or use it in `async with`.

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
        self._producer = Producer.over(cast(redis.Redis, awaited), settings)

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

    enqueue = _enqueueing(Producer.enqueue)
    preview = _previewing(Producer.preview)
    send_test = _enqueueing(Producer.send_test)
    status = _awaited(Producer.status)
    campaigns = _iterated(Producer.campaigns)
    rejects = _iterated(Producer.rejects)
    report = _in_threads(Producer.report)
    watch = _iterated(Producer.watch)
    events = _iterated(Producer.events)
    delivery_reports = _iterated(Producer.delivery_reports)
    latest_delivery_report = _awaited(Producer.latest_delivery_report)
    record_reports = _awaited(Producer.record_reports)
    latest_event = _awaited(Producer.latest_event)
    pause = _awaited(Producer.pause)
    resume = _awaited(Producer.resume)
    cancel = _awaited(Producer.cancel)
    retry = _awaited(Producer.retry)
    resolve = _awaited(Producer.resolve)
    doubts = _awaited(Producer.doubts)
    resolve_all_not_sent = _awaited(Producer.resolve_all_not_sent)
    look_up = _awaited(Producer.look_up)
    suppress = _awaited(Producer.suppress)
    unsuppress = _awaited(Producer.unsuppress)
    suppressed = _iterated(Producer.suppressed)
    suppressions = _iterated(Producer.suppressions)
    gate = _awaited(Producer.gate)
    open_gate = _awaited(Producer.open_gate)
    shut_gate = _awaited(Producer.shut_gate)
