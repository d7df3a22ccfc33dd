"""Who is rung for again."""

from __future__ import annotations

from typing import Any

from bsg_ledger.rooms import UNSTAMPED
from bsg_sandbox.server import Sandbox
from bsg_worker.sweep import LONGEST_QUEUE, sweep
from tests.worker.bench import Bench

QUEUE = "submit.normal"


def with_a_lost_bell(bench: Bench) -> str:
    campaign = bench.prepared(1)
    client: Any = bench.runtime.redis
    client.delete(QUEUE, f"bsg:campaign:{campaign}:rung")
    return campaign


def swept(bench: Bench, campaign: str) -> int:
    """The campaign's bells after a sweep for which all of them are due."""
    client: Any = bench.runtime.redis
    for member in client.zrange(f"bsg:account:{UNSTAMPED}:due", 0, -1):
        client.zadd(f"bsg:account:{UNSTAMPED}:due", {member: 1})
    sweep(bench.runtime)
    return int(client.zcard(f"bsg:campaign:{campaign}:rung"))


def test_large_campaigns_that_keep_the_queue_full_keep_no_lost_bell_from_being_rung_again(redis_url: str) -> None:
    with Sandbox() as sandbox:
        bench = Bench(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1", CAMPAIGN_WINDOW="2")
        campaign = with_a_lost_bell(bench)
        for _ in range(2):
            bench.prepared(5)
        assert bench.runtime.queue_length(QUEUE) == 4

        assert swept(bench, campaign) == 1


def test_nobody_is_rung_for_while_nobody_answers(bench: Bench) -> None:
    campaign = with_a_lost_bell(bench)
    bench.runtime.redis.rpush(QUEUE, *["bell"] * LONGEST_QUEUE)

    assert swept(bench, campaign) == 0
