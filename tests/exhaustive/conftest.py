from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.servers import RedisServer


@pytest.fixture
def client(tmp_path: Path) -> Iterator[redis.Redis]:
    """A server of the test's own, which writes nothing to its disk: only what the scripts do is looked at."""
    with RedisServer(tmp_path / "redis") as server, server.client() as client:
        client.config_set("appendonly", "no")
        yield client
