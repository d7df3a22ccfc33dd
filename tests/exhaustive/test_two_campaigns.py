"""Two campaigns beside each other: every interleaving, against the real scripts on a real server."""

from __future__ import annotations

import pytest
import redis

from tests.exhaustive.two_campaigns import TwoCampaigns

pytestmark = pytest.mark.timeout(600)


def test_both_come_to_an_end_and_no_request_leaves_without_a_slot(client: redis.Redis) -> None:
    exploration = TwoCampaigns(client, prepared=True, workers=1)

    exploration.explore()

    assert exploration.ends > 0
    assert not exploration.broken
