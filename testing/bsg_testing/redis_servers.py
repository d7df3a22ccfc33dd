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

Mode = Literal["embedded", "memory"]


class RedisOfTests(ABC):
    """A Redis for one process of a test suite. Every connection of the project leads to it.

    `settings` are those of the project that it needs. `control` is a client for the test kit itself.
    """

    url: str
    settings: Mapping[str, str] = {}
    control: redis.Redis

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

        def moved(connect: Callable[..., Any]) -> Callable[..., Any]:
            def call(**arguments: Any) -> Any:
                client = connect(**arguments)
                client.set_response_callback("TIME", moved_reply)
                return client

            return call

        clients = SimpleNamespace(Redis=moved(self.client), asyncio=SimpleNamespace(Redis=moved(self.asyncio_client)))
        with patch.object(redis_connections, "redis", clients):
            yield


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


class MemoryRedis(RedisOfTests):
    """fakeredis in this process, which runs the project's own scripts. Raise ModuleNotFoundError without it."""

    url = "redis://memory.invalid:6379/0"  # what is not in this process does not reach it
    settings = {"QUEUE_DURABILITY": "relaxed"}

    def __init__(self) -> None:
        try:
            import fakeredis
            import lupa  # noqa: F401
        except ModuleNotFoundError as missing:
            raise ModuleNotFoundError(
                "mode='memory' needs fakeredis with Lua: pip install 'bsg-campaigns[testing]'", name=missing.name
            ) from None
        self._fake = fakeredis
        self._server = fakeredis.FakeServer()
        self.control = self.client()

    def client(self, **arguments: Any) -> redis.Redis:
        client: redis.Redis = self._fake.FakeRedis(server=self._server, **arguments)
        return client

    def asyncio_client(self, **arguments: Any) -> redis.asyncio.Redis:
        client: redis.asyncio.Redis = self._fake.FakeAsyncRedis(server=self._server, **arguments)
        return client

    def stop(self) -> None:
        """Do nothing: the data ends with this process."""


def started(mode: Mode) -> RedisOfTests:
    """Return a new Redis of that kind. Raise ValueError for another kind, and what its constructor raises."""
    match mode:
        case "embedded":
            return EmbeddedRedis()
        case "memory":
            return MemoryRedis()
    raise ValueError(f"mode must be embedded or memory, not {mode!r}")
