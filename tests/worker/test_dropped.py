"""Messages that BSG silently left out (rule 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from bsg_ledger.rooms import Room
from bsg_worker.client.answers import CampaignDetail
from bsg_worker.dropped import Total, reject_dropped
from bsg_worker.poll import poll
from bsg_worker.prepare import prepare_next
from tests.worker.bench import Bench


def with_reference_ids(bench: Bench, *reference_ids: str) -> str:
    campaign = bench.producer.enqueue(
        [
            {"phone": 380_660_000_000 + place, "text": "Hello", "reference_id": reference_id}
            for place, reference_id in enumerate(reference_ids)
        ],
        sender="MyShop",
    ).campaign_id
    prepare_next(bench.runtime, campaign)
    bench.submit(campaign)
    return campaign


def test_a_message_dropped_for_an_id_that_an_older_campaign_has_is_a_reject_where_filters_are_ignored(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.sandbox.configure(duplicates="drop_singly")
    bench.sandbox.fault("ignored_filters")
    with_reference_ids(bench, "order1")
    campaign = with_reference_ids(bench, "order1", "order2")
    bench.sandbox.advance(60)

    bench.poll_twice(monkeypatch)

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
    bench.poll_twice(monkeypatch)

    assert list(bench.producer.rejects(campaign)) == []
    assert bench.status(campaign).counts["finished"] == 1


def test_what_is_counted_but_not_listed_is_no_reject(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.sandbox.configure(duplicates="drop_singly")
    with_reference_ids(bench, "order1")
    campaign = with_reference_ids(bench, "order1", "order2", "order3")
    bench.sandbox.advance(60)
    bench.sandbox.fault("late_visibility", seconds=3600)

    bench.poll_twice(monkeypatch)

    assert list(bench.producer.rejects(campaign)) == []


def test_a_total_that_may_still_grow_is_held_against_the_look_before(bench: Bench) -> None:
    asked: list[int] = []

    class Growing:
        def messages(self, campaign_id: int) -> list[object]:
            asked.append(campaign_id)
            return []

    campaign = bench.submitted(2)
    (record,) = bench.runtime.ledger.reading.batch_records([f"{campaign}-0"])
    runtime = replace(bench.runtime, client=cast(Any, Growing()))
    detail = CampaignDetail(1, "sending", None, None, {}, None, None, 0, None, None)

    first = reject_dropped(runtime, record, detail)
    reject_dropped(runtime, replace(record, total_messages=first.messages), detail)

    assert first == Total(0)
    assert asked == [1]
