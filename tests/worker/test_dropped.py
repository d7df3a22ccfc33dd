"""Messages that BSG silently left out (rule 5)."""

from __future__ import annotations

import pytest

from bsg_config import clock
from bsg_ledger.rooms import Room
from bsg_worker.poll import poll
from bsg_worker.prepare import prepare_parts
from tests.worker.bench import Bench


def with_reference_ids(bench: Bench, *reference_ids: str) -> str:
    campaign = bench.producer.enqueue(
        [
            {"phone": 380_660_000_000 + place, "text": "Hello", "reference_id": reference_id}
            for place, reference_id in enumerate(reference_ids)
        ],
        sender="MyShop",
    ).campaign_id
    prepare_parts(bench.runtime, campaign)
    bench.submit(campaign)
    return campaign


def poll_twice(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time BSG_CONFIRM_WITHIN later."""
    begun = clock.monotonic()
    bench.make_due(Room.LIVE)
    poll(bench.runtime)
    bench.make_due(Room.LIVE)
    monkeypatch.setattr(clock, "monotonic", lambda: begun + 1.0 + bench.settings.bsg_confirm_within)
    poll(bench.runtime)


def test_a_message_dropped_for_an_id_that_an_older_campaign_has_is_a_reject_where_filters_are_ignored(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.sandbox.configure(duplicates="drop_singly")
    bench.sandbox.fault("ignored_filters")
    with_reference_ids(bench, "order1")
    campaign = with_reference_ids(bench, "order1", "order2")
    bench.sandbox.advance(60)

    poll_twice(bench, monkeypatch)

    assert [reject.code for reject in bench.producer.rejects(campaign)] == ["dropped_by_bsg"]
    assert bench.status(campaign).counts["finished"] == 1


def test_a_message_that_bsg_neither_counts_nor_lists_yet_is_no_reject_and_is_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = bench.submitted(1)
    bench.sandbox.advance(60)
    bench.sandbox.fault("slow_totals", seconds=3600)
    bench.sandbox.fault("late_visibility", seconds=3600)
    bench.make_due(Room.LIVE)
    poll(bench.runtime)
    assert bench.status(campaign).counts["submitted"] == 1

    bench.sandbox.clear_faults()
    poll_twice(bench, monkeypatch)

    assert list(bench.producer.rejects(campaign)) == []
    assert bench.status(campaign).counts["finished"] == 1
