"""Runs code that was written for a synchronous Redis client on an asyncio loop.

Such code runs in a greenlet. Where it would wait for Redis, it hands what is to be awaited to the coroutine that began
it, and goes on with the response; meanwhile the loop does other things. There are no threads.
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

_END = object()


async def run(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call the function, and awaits what it waits for with `wait_for`."""
    begun = greenlet(function)
    begun.gr_context = getcurrent().gr_context  # else its context variables would be none
    cancellations = _cancellations()
    response: Any = begun.switch(*args, **kwargs)
    while not begun.dead:
        try:
            awaited = await response
            # redis-py sends by `asyncio.wait_for`, which loses a cancellation on Python 3.11.
            if _cancellations() > cancellations:
                raise asyncio.CancelledError
        except BaseException as error:  # a cancellation too is for the function to deal with
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
    """Return what the awaitable comes to. Only within `run`."""
    beginner = getcurrent().parent
    if beginner is None:
        raise RuntimeError("nothing awaits here: AsyncProducer's methods are coroutines")
    response: T = beginner.switch(awaitable)
    return response


def pulled(items: AsyncIterable[T]) -> Iterator[T]:
    """Return the items one by one, for code that is run by `run`."""
    iterator = aiter(items)
    while (item := wait_for(anext(iterator, _END))) is not _END:
        yield cast(T, item)


class AwaitedRedis:
    """An asyncio client as a synchronous one, for code that is run by `run`; what is awaited at once is bounded."""

    def __init__(self, client: redis.asyncio.Redis | redis.asyncio.client.Pipeline, at_once: asyncio.Semaphore) -> None:
        self._client = client
        self._at_once = at_once

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            response = method(*args, **kwargs)
            if isinstance(response, redis.asyncio.client.Pipeline):  # a new one, or one that took a command down
                return AwaitedRedis(response, self._at_once)
            return wait_for(self._in_turn(response)) if inspect.isawaitable(response) else response

        return call

    async def _in_turn(self, response: Awaitable[T]) -> T:
        async with self._at_once:
            return await response
