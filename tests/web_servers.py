"""Serve a WSGI application with Werkzeug, and an ASGI application with uvicorn, each in a thread of this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any
from wsgiref.types import WSGIApplication

import uvicorn
from werkzeug.serving import make_server

from tests.processes import wait_until


@contextmanager
def serve_wsgi(application: WSGIApplication) -> Iterator[int]:
    """Yield the port."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serve_asgi(opened: Callable[[], AbstractAsyncContextManager[Any]]) -> Iterator[int]:
    """Yield the port. `opened` yields the application in the loop that serves it."""
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        async with opened() as application:
            servers.append(uvicorn.Server(uvicorn.Config(application, port=0, log_level="warning")))
            await servers[0].serve()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()

    def started() -> bool:
        assert thread.is_alive(), "it ended at once"
        return bool(servers) and servers[0].started

    try:
        wait_until(started, what="uvicorn to serve")
        yield servers[0].servers[0].sockets[0].getsockname()[1]
    finally:
        for server in servers:
            server.should_exit = True
        thread.join()
