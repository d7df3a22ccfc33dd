"""What a look at BSG says of a batch in doubt."""

from __future__ import annotations

from bsg_ledger.rooms import Room
from bsg_sandbox.server import Sandbox
from bsg_worker.reconcile import reconcile
from tests.worker.bench import Bench

SIX_MINUTES_MS = 360_000


def a_doubt_by_clocks_that_differ(bench: Bench) -> str:
    """A campaign that BSG has, with the answer lost, and BSG's clock six minutes slow: too little for a zone."""
    bench.submitted(1)
    bench.sandbox.fault("cut_after", times=1)
    campaign = bench.submitted(1)
    bench.runtime.redis.hincrby(f"bsg:campaign:{campaign}:batch:0", "first_intent_at", SIX_MINUTES_MS)
    return campaign


def looked_twice(bench: Bench) -> None:
    bench.make_due(Room.DOUBT)
    reconcile(bench.runtime)
    bench.make_due(Room.DOUBT)
    reconcile(bench.runtime)


def test_a_campaign_that_is_older_by_what_clocks_may_differ_is_never_taken_for_another(bench: Bench) -> None:
    campaign = a_doubt_by_clocks_that_differ(bench)

    looked_twice(bench)

    assert list(bench.producer.rejects(campaign)) == []
    assert bench.batch(campaign).state == "unconfirmed"


def test_a_campaign_that_is_older_by_what_clocks_may_differ_speaks_against_absence(redis_url: str) -> None:
    with Sandbox() as sandbox:
        bench = Bench(redis_url, sandbox, BSG_CONFIRM_WITHIN="0", BSG_DUPLICATE_WINDOW="3600")
        campaign = a_doubt_by_clocks_that_differ(bench)
        sandbox.fault("late_visibility", seconds=3600)

        looked_twice(bench)

        assert bench.batch(campaign).state == "unconfirmed"
