"""Small sizes, every interleaving, against the real scripts on a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.exhaustive.exploring import Explorer
from tests.exhaustive.model import Size
from tests.exhaustive.sizes import QUICK
from tests.servers import RedisServer


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with RedisServer(tmp_path_factory.mktemp("exhaustive")) as server, server.client() as client:
        client.config_set("appendonly", "no")  # the scripts' work is asked for here, not the disk's
        yield client


@pytest.mark.parametrize("size", QUICK, ids=lambda size: size.name)
def test_no_rule_is_broken_and_every_state_reaches_an_end(client: redis.Redis, size: Size) -> None:
    explored = Explorer(client, size).explore()

    assert explored.complete
    assert explored.ends > 0
    assert not explored.violations, "\n".join(map(str, explored.violations))
