"""A stream: every interleaving of its small sizes, against the real scripts on a real server."""

from __future__ import annotations

import pytest
import redis

from tests.exhaustive.streams import SMALL, Stream, StreamSize

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("size", SMALL, ids=str)
def test_each_accepted_message_is_sent_once_or_accounted_for(client: redis.Redis, size: StreamSize) -> None:
    exploration = Stream(client, size)

    exploration.explore()

    assert exploration.ends > 0
    assert not exploration.broken
