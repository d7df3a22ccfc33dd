"""What may have been forgotten is rung for, and what was cancelled is stopped."""

from __future__ import annotations

from typing import Any

from bsg_ledger.rooms import Room
from bsg_worker.sweep import stop_at_bsg, sweep
from tests.worker.bench import Bench


def test_a_stop_that_bsg_does_not_confirm_is_asked_for_again(bench: Bench) -> None:
    bench.sandbox.configure(creation_seconds=60)
    campaign = bench.submitted(1)
    bench.producer.cancel(campaign)
    bench.sandbox.fault("garbage_after", shape="no_id", method="PATCH", path="/api/campaigns/1000001/stop", times=1)

    outcomes = []
    for _ in range(2):
        bench.make_due(Room.STOPS)
        outcomes.append(stop_at_bsg(bench.runtime))

    assert outcomes == ["0 of 1 stops answered", "1 of 1 stops answered"]
    assert stop_at_bsg(bench.runtime) == ""


def test_a_queue_that_is_long_enough_gets_no_more_bells(bench: Bench) -> None:
    client: Any = bench.runtime.redis  # redis-py types its replies as all that they might be
    window = bench.settings.campaign_window
    for _ in range(window + 3):
        bench.prepared(1)
    queue = "submit.normal"
    client.delete(queue)
    for campaign in bench.producer.campaigns():  # as if the bells that rang for them had been lost
        client.delete(f"bsg:campaign:{campaign.campaign_id}:rung")
    bench.make_due(Room.DUE)
    for member in client.zrange("bsg:account:-:due", 0, -1):
        client.zadd("bsg:account:-:due", {member: 1})

    sweep(bench.runtime)

    assert bench.runtime.queue_length(queue) == window
