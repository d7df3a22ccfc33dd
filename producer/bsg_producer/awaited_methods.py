"""Asynchronous methods that run the methods of a synchronous object in a greenlet."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from bsg_producer.awaiting import END, pulled, run

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
T = TypeVar("T")
M = TypeVar("M")
P = ParamSpec("P")


class Awaiting(Generic[S_co]):
    """An object whose asynchronous methods run those of `_synchronous`."""

    _synchronous: S_co


def awaited(
    method: Callable[Concatenate[S, P], T],
) -> Callable[Concatenate[Awaiting[S], P], Coroutine[Any, Any, T]]:
    """Return the method as a coroutine function."""

    @wraps(method)
    async def call(self: Awaiting[S], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await run(method, self._synchronous, *args, **kwargs)

    return call


def iterated(
    method: Callable[Concatenate[S, P], Iterator[T]],
) -> Callable[Concatenate[Awaiting[S], P], AsyncIterator[T]]:
    """Return the method as an asynchronous iterator."""

    @wraps(method)
    async def call(self: Awaiting[S], /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        items = await run(method, self._synchronous, *args, **kwargs)
        while (item := await run(next, items, END)) is not END:
            yield cast(T, item)

    return call


def awaited_over(
    method: Callable[Concatenate[S, Iterable[M], P], T],
) -> Callable[Concatenate[Awaiting[S], Iterable[M] | AsyncIterable[M], P], Coroutine[Any, Any, T]]:
    """Return the method as a coroutine function that also takes asynchronous iterables."""

    @wraps(method)
    async def call(self: Awaiting[S], messages: Iterable[M] | AsyncIterable[M], *args: P.args, **kwargs: P.kwargs) -> T:
        return await run(method, self._synchronous, _readable(messages), *args, **kwargs)

    either: Any = call  # no callable type allows `messages` by position and by name
    return either  # type: ignore[no-any-return]


def iterated_over(
    method: Callable[Concatenate[S, Iterable[M], P], Iterator[T]],
) -> Callable[Concatenate[Awaiting[S], Iterable[M] | AsyncIterable[M], P], AsyncIterator[T]]:
    """Return the method as an asynchronous iterator that also takes asynchronous iterables."""

    @wraps(method)
    async def call(
        self: Awaiting[S], messages: Iterable[M] | AsyncIterable[M], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncIterator[T]:
        items = await run(method, self._synchronous, _readable(messages), *args, **kwargs)
        while (item := await run(next, items, END)) is not END:
            yield cast(T, item)

    either: Any = call
    return either  # type: ignore[no-any-return]


def _readable(messages: Iterable[M] | AsyncIterable[M]) -> Iterable[M]:
    return pulled(messages) if isinstance(messages, AsyncIterable) else messages
