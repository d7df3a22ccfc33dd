"""Small sizes, every interleaving, against the real scripts on a real server."""

from __future__ import annotations

import pytest
import redis

from tests.exhaustive.exploring import Explorer
from tests.exhaustive.model import Size
from tests.exhaustive.sizes import QUICK

pytestmark = pytest.mark.timeout(600)  # seconds of computing, which are minutes on a busy machine


@pytest.mark.parametrize("size", QUICK, ids=lambda size: size.name)
def test_no_rule_is_broken_and_every_state_reaches_an_end(client: redis.Redis, size: Size) -> None:
    explored = Explorer(client, size).explore()

    assert explored.complete
    assert explored.ends > 0
    assert not explored.violations, "\n".join(map(str, explored.violations))
