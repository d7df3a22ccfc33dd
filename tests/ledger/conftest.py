from __future__ import annotations

import pytest

from tests.ledger.campaigns import Desk


@pytest.fixture
def desk(redis_url: str) -> Desk:
    return Desk.at(redis_url)
