"""The two kinds of Redis that a test may use: the embedded server, and a fake in this process."""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal
from unittest.mock import patch

import redis
import redis.asyncio

from bsg_cli.embedded_server import EmbeddedServer, connect_once
from bsg_config import redis_connections
from bsg_config.redis_address import RedisAddress
from bsg_config.settings import Settings

Mode = Literal["embedded", "memory"]


class RedisOfTests(ABC):
    """A Redis for one process of a test suite. Every connection of the project leads to it.

    `settings` are those of the project that it needs. `control` is a client for the test kit itself.
    """

    url: str
    settings: Mapping[str, str] = {}
    control: redis.Redis
    _is_down = False

    @abstractmethod
    def client(self, **arguments: Any) -> redis.Redis:
        """Return a client with redis-py's arguments."""

    @abstractmethod
    def asyncio_client(self, **arguments: Any) -> redis.asyncio.Redis:
        """Return a client for asyncio, likewise."""

    @abstractmethod
    def stop(self) -> None:
        """End it, and remove its data."""

    @contextmanager
    def connected(self, moved_reply: Callable[..., tuple[int, int]]) -> Iterator[None]:
        """Lead the project's connections to this Redis. `moved_reply` returns its replies to TIME, moved."""

        def prepared(connect: Callable[..., Any]) -> Callable[..., Any]:
            def call(**arguments: Any) -> Any:
                client = connect(**arguments)
                client.set_response_callback("TIME", moved_reply)
                client.connection_pool.get_connection = self._unless_down(client.connection_pool.get_connection)
                return client

            return call

        clients = SimpleNamespace(
            Redis=prepared(self.client), asyncio=SimpleNamespace(Redis=prepared(self.asyncio_client))
        )
        address = RedisAddress.parse(self.url)
        with (
            patch.object(redis_connections, "redis", clients),
            patch.object(Settings, "require_redis_address", lambda _: address),
        ):
            yield

    @contextmanager
    def down(self) -> Iterator[None]:
        """Let every connection of the project fail."""
        self._is_down = True
        try:
            yield
        finally:
            self._is_down = False

    def _unless_down(self, get_connection: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if self._is_down:
                raise redis.ConnectionError("the test has taken Redis down")
            return get_connection(*arguments, **options)

        return call


class EmbeddedRedis(RedisOfTests):
    """The embedded server with its data in a temporary directory. It ends with this process, also by SIGKILL."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="bsg-testing-"))
        self._server = EmbeddedServer(self._directory).start()
        self.url = self._server.url
        self.control = connect_once(self.url)

    def client(self, **arguments: Any) -> redis.Redis:
        return redis.Redis(**arguments)

    def asyncio_client(self, **arguments: Any) -> redis.asyncio.Redis:
        return redis.asyncio.Redis(**arguments)

    def stop(self) -> None:
        self._server.stop()
        shutil.rmtree(self._directory, ignore_errors=True)
