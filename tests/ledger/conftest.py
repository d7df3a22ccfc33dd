from __future__ import annotations

import pytest

from tests.ledger.campaigns import LedgerHarness


@pytest.fixture
def ledger_harness(redis_url: str) -> LedgerHarness:
    return LedgerHarness.at(redis_url)
