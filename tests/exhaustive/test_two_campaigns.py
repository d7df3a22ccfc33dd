"""Two campaigns beside each other: every interleaving, against the real scripts on a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.exhaustive.two_campaigns import TwoCampaigns
from tests.servers import RedisServer


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with RedisServer(tmp_path_factory.mktemp("two-campaigns")) as server, server.client() as client:
        client.config_set("appendonly", "no")
        yield client


def test_both_come_to_an_end_and_no_request_leaves_without_a_slot(client: redis.Redis) -> None:
    exploration = TwoCampaigns(client, prepared=True)

    exploration.explore()

    assert exploration.ends > 0
    assert not exploration.broken
