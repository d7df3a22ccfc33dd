"""For FastAPI: a producer that lives as long as the app, and a response for each exception of the producer.

app = FastAPI(lifespan=lifespan, exception_handlers=exception_handlers)

@app.get("/campaigns/{campaign_id}")
async def show(campaign_id: str, producer: ProducerDep) -> str:
    return (await producer.status(campaign_id)).state
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

from bsg_config.settings import Settings
from bsg_messages.errors import BSGCampaignsError
from bsg_producer.callbacks.asgi import ASGIApplication, callbacks_of
from bsg_producer.http_statuses import http_status, log_failure

try:
    from fastapi import Depends, FastAPI, HTTPException, Request, Response
    from fastapi.exception_handlers import http_exception_handler
    from fastapi.requests import HTTPConnection

    from bsg_producer.async_producer import AsyncProducer
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "bsg_producer.fastapi needs FastAPI and greenlet: pip install 'bsg-campaigns[fastapi]'", name=missing.name
    ) from None

__all__ = ["ProducerDep", "callbacks", "exception_handlers", "get_producer", "lifespan"]


@asynccontextmanager
async def lifespan(app: FastAPI, *, settings: Settings | None = None) -> AsyncIterator[None]:
    """Open the app's `AsyncProducer` when the app starts, and close it when the app ends.

    Settings come from the environment unless they are given. Raise `SettingsInvalid`. An app with a lifespan of its own
    enters this one in it.

    >>> @asynccontextmanager
    ... async def own_lifespan(app):
    ...     async with lifespan(app):
    ...         yield
    >>> app = FastAPI(lifespan=own_lifespan)
    """
    async with AsyncProducer(settings) as producer:
        app.state.bsg_producer = producer
        yield


async def get_producer(connection: HTTPConnection) -> AsyncProducer:
    """Return the producer of the app that serves this request or web socket. Raise RuntimeError without `lifespan`.

    Tests replace it by `app.dependency_overrides[get_producer]`.

    >>> app = FastAPI(lifespan=lifespan)
    >>> @app.get("/gate")
    ... async def gate(producer: Annotated[AsyncProducer, Depends(get_producer)]) -> bool:
    ...     return (await producer.gate()).open
    """
    return _producer_of(connection.app)


ProducerDep = Annotated[AsyncProducer, Depends(get_producer)]
"""The type of a parameter that is the app's producer."""


async def _respond(request: Request, error: BSGCampaignsError) -> Response:
    log_failure(error)
    return await http_exception_handler(request, HTTPException(http_status(error), str(error)))


exception_handlers: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    BSGCampaignsError: _respond
}
"""What `FastAPI` takes under this name. The response is that of an `HTTPException` with the exception's text."""


def callbacks(*, secret: str) -> ASGIApplication:
    """Return an application to mount, which receives the delivery reports that BSG pushes. See `asgi_callbacks`.

    It uses the producer of the app that it is mounted in.

    >>> app = FastAPI(lifespan=lifespan)
    >>> app.mount("/bsg", callbacks(secret="k3Xw-1gH5_pQz8Lr2Vt9"))
    """
    return callbacks_of(lambda scope: _producer_of(scope["app"]), secret)


def _producer_of(app: FastAPI) -> AsyncProducer:
    try:
        producer: AsyncProducer = app.state.bsg_producer
    except AttributeError:
        raise RuntimeError("the app has no producer: use FastAPI(lifespan=bsg_producer.fastapi.lifespan)") from None
    return producer
