"""What the retentions no longer keep is forgotten, also where a purge was broken off."""

from __future__ import annotations

import pytest

from bsg_ledger.scripts import Scripts
from bsg_worker.upkeep.purge import purge
from tests.worker.bench import Bench

DAY_MS = 86_400_000


def closed(bench: Bench, *, days: int) -> str:
    campaign = bench.prepared(3)
    bench.producer.cancel(campaign)
    bench.runtime.redis.zadd("bsg:closed", {campaign: bench.runtime.ledger.due_indexes.now_ms() - days * DAY_MS})
    return campaign


@pytest.mark.parametrize("broken_off", [False, True])
def test_the_messages_of_a_closed_campaign_are_forgotten(bench: Bench, broken_off: bool) -> None:
    campaign = closed(bench, days=8)
    if broken_off:
        assert Scripts(bench.runtime.redis, batches_a_step=1).step("forget_bodies", campaign) == "more"

    assert purge(bench.runtime) == "forgot 0 campaigns and the bodies of 1"

    assert bench.runtime.ledger.reading.body(campaign, 0) is None
    assert bench.status(campaign).counts["cancelled"] == 3
    assert purge(bench.runtime) == ""


@pytest.mark.parametrize("broken_off", [False, True])
def test_a_closed_campaign_is_forgotten(bench: Bench, broken_off: bool) -> None:
    campaign = closed(bench, days=91)
    if broken_off:
        assert Scripts(bench.runtime.redis, batches_a_step=1).step("forget_campaign", campaign) == "more"

    assert purge(bench.runtime) == "forgot 1 campaigns and the bodies of 0"

    assert bench.runtime.ledger.reading.summary(campaign) is None
    assert list(bench.runtime.redis.scan_iter(f"bsg:campaign:{campaign}*")) == []
