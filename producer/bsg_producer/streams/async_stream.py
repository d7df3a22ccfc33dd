"""A stream, as asyncio apps use it."""

from __future__ import annotations

from bsg_producer.awaited_methods import Awaiting, awaited, iterated_over
from bsg_producer.streams.stream import Stream


class AsyncStream(Awaiting[Stream]):
    """`Stream` for asyncio. `AsyncProducer.stream` makes one.

    Await its methods. Iterate `send_many` with `async for`: it takes asynchronous iterables too.

    >>> async def send():
    ...     async with AsyncProducer() as producer:
    ...         codes = producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
    ...         receipt = await codes.send({"phone": 380661231231, "code": 1234})
    ...         return (await producer.message(receipt.message_id)).state
    >>> asyncio.run(send())
    'pending'
    """

    def __init__(self, stream: Stream) -> None:
        self._synchronous = stream

    @property
    def name(self) -> str:
        return self._synchronous.name

    check = awaited(Stream.check)
    send = awaited(Stream.send)
    send_many = iterated_over(Stream.send_many)
    message = awaited(Stream.message)
    status = awaited(Stream.status)
    pause = awaited(Stream.pause)
    resume = awaited(Stream.resume)
    cancel = awaited(Stream.cancel)
