"""The ASGI application that receives delivery reports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bsg_producer.callbacks.push import Push, Refused, check_secret, check_size, recording

if TYPE_CHECKING:
    from bsg_producer.async_producer import AsyncProducer

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]


class _ClientLeft(Exception):
    """The client closed the connection before the end of the body."""


def asgi_callbacks(producer: AsyncProducer, *, secret: str) -> ASGIApplication:
    """Return an ASGI application that receives the delivery reports that BSG pushes, as `callbacks` does with WSGI.

    It neither opens nor closes the producer.

    >>> async def make():
    ...     async with AsyncProducer() as producer:
    ...         return asgi_callbacks(producer, secret="k3Xw-1gH5_pQz8Lr2Vt9")  # an ASGI application
    >>> asyncio.run(make()).__name__
    'application'
    """
    return callbacks_of(lambda _: producer, secret)


def callbacks_of(find_producer: Callable[[Scope], AsyncProducer], secret: str) -> ASGIApplication:
    """Return the same with a producer that is found by each request, because it may not exist yet."""
    check_secret(secret)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close"})
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])  # as ASGI specifies for an application without a lifespan
        status = HTTPStatus.OK
        try:
            await _record(find_producer(scope), secret, scope, receive)
        except Refused as refused:
            status = refused.status
        except _ClientLeft:
            return None
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": status.value, "headers": headers})
        return await send({"type": "http.response.body", "body": b""})

    return application


async def _record(producer: AsyncProducer, secret: str, scope: Scope, receive: Receive) -> None:
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    push = Push(
        path=scope["path"],
        method=scope["method"],
        query=scope["query_string"].decode("latin-1"),
        content_type=headers.get(b"content-type", ""),
        length=headers.get(b"content-length", ""),
    )
    push.check(secret)
    reports = push.reports(await _body(receive))
    with recording():
        await producer.record_reports(reports)


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise _ClientLeft
        body += event.get("body", b"")
        check_size(len(body))
        more = event.get("more_body", False)
    return bytes(body)
