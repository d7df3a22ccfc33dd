"""Run code that was written for a synchronous Redis client on an asyncio loop.

The code runs in a greenlet. Instead of waiting for Redis, it passes an awaitable to the coroutine that started it, and
continues with the response. The loop does other work meanwhile. There are no threads.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator
from typing import Any, ParamSpec, TypeVar, cast

import redis.asyncio
from greenlet import getcurrent, greenlet

T = TypeVar("T")
P = ParamSpec("P")

END = object()


async def run(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call the function in a greenlet, and await what it passes to `wait_for`."""
    begun = greenlet(function)
    begun.gr_context = getcurrent().gr_context  # otherwise the greenlet has no context variables
    cancellations = _cancellations()
    response: Any = begun.switch(*args, **kwargs)
    while not begun.dead:
        try:
            awaited = await response
            # redis-py sends by `asyncio.wait_for`, which loses a cancellation on Python 3.11.
            if _cancellations() > cancellations:
                raise asyncio.CancelledError
        except BaseException as error:  # the function handles a cancellation too
            cancellations = _cancellations()
            response = begun.throw(error)
        else:
            response = begun.switch(awaited)
    result: T = response
    return result


def _cancellations() -> int:
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def wait_for(awaitable: Awaitable[T]) -> T:
    """Return the awaitable's result. Call it only within `run`."""
    beginner = getcurrent().parent
    if beginner is None:
        raise RuntimeError("nothing awaits here: AsyncProducer's methods are coroutines")
    response: T = beginner.switch(awaitable)
    return response


def pulled(items: AsyncIterable[T]) -> Iterator[T]:
    """Yield the items, for code that is called by `run`."""
    iterator = aiter(items)
    while (item := wait_for(anext(iterator, END))) is not END:
        yield cast(T, item)


class AwaitedRedis:
    """An asyncio client with a synchronous interface, for code called by `run`. It bounds the concurrent commands."""

    def __init__(self, client: redis.asyncio.Redis | redis.asyncio.client.Pipeline, at_once: asyncio.Semaphore) -> None:
        self._client = client
        self._at_once = at_once

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            response = method(*args, **kwargs)
            if isinstance(response, redis.asyncio.client.Pipeline):  # a new pipeline, or one that has queued a command
                return AwaitedRedis(response, self._at_once)
            return wait_for(self._in_turn(response)) if inspect.isawaitable(response) else response

        return call

    async def _in_turn(self, response: Awaitable[T]) -> T:
        async with self._at_once:
            return await response
