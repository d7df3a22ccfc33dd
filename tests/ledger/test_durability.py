"""What was written is on disk before anything leaves because of it."""

from __future__ import annotations

import pytest

from bsg_ledger.durability import Durability, NotDurable
from tests.servers import RedisServer


@pytest.mark.server_kinds("valkey")
def test_a_write_of_another_connection_that_is_not_on_disk_in_time_is_reported(own_redis_server: RedisServer) -> None:
    own_redis_server.client().config_set("appendfsync", "everysec")
    durability = Durability(own_redis_server.client(), relaxed=False, timeout_ms=3000)
    durability.wait_for_disk()
    own_redis_server.client().config_set("appendfsync", "no")  # as with a disk that never comes to an end
    own_redis_server.client().set("key", "value")
    hasty = Durability(own_redis_server.client(), relaxed=False, timeout_ms=100)
    hasty.require()

    with pytest.raises(NotDurable, match="could not be written in time"):
        hasty.wait_for_disk()


@pytest.mark.server_kinds("valkey")
def test_a_server_without_an_append_only_file_is_refused_whatever_it_says_of_syncing(
    own_redis_server: RedisServer,
) -> None:
    own_redis_server.client().config_set("appendonly", "no")  # and appendfsync is always

    with pytest.raises(NotDurable, match="appendonly yes"):
        Durability(own_redis_server.client(), relaxed=False, timeout_ms=3000).require()
