"""Messages that BSG silently left out: its total is compared."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import pytest

from bsg_client.bsg_client import BSGClient
from bsg_client.responses import CampaignDetail, MessageRow
from bsg_config import clock
from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex
from bsg_producer import CampaignInvalid
from bsg_sandbox.server import Sandbox
from bsg_worker.poll.dropped import Total, reject_dropped
from bsg_worker.poll.poll import poll
from bsg_worker.submit.post import Posted, post
from bsg_worker.submit.record_post import record_post
from tests.worker.harness import WorkerHarness


def with_reference_ids(harness: WorkerHarness, *reference_ids: str) -> str:
    campaign = harness.producer.enqueue(
        [
            {"phone": 380_660_000_000 + index, "text": "Hello", "reference_id": reference_id}
            for index, reference_id in enumerate(reference_ids)
        ],
        sender="MyShop",
    ).campaign_id
    harness.prepare_and_submit(campaign)
    return campaign


def sent_twice(harness: WorkerHarness, size: int, *, at_first: int | None = None, dropped: int) -> str:
    """Return a batch that BSG took twice: at first all or the first messages of it, then all but the first ones.

    The look between the two came too early to show the first attempt.
    """
    harness.sandbox.configure(duplicates="allow")
    if at_first is not None:
        harness.sandbox.fault("drop", rows=range(at_first, size), times=1)
    harness.sandbox.fault("cut_after", times=1)
    campaign = harness.prepared(size)
    harness.dispatch()
    harness.runtime.ledger.batches.absent(
        BatchId.of(campaign, 0),
        attempts=1,
        duplicate_window_ms=3_600_000,
        delay_ms=0,
        look_again_ms=1000,
        cause="no trace yet",
    )
    harness.sandbox.clear_faults()
    harness.sandbox.fault("drop", rows=range(dropped), times=1)
    harness.dispatch()
    assert harness.batch(campaign).bsg_campaign_id == 1_000_002
    harness.sandbox.clear_faults()
    harness.sandbox.advance(60)
    return campaign


def test_a_message_dropped_for_an_id_that_an_older_campaign_has_is_a_reject_where_filters_are_ignored(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.sandbox.configure(duplicates="drop_singly")
    harness.sandbox.fault("ignored_filters")
    with_reference_ids(harness, "order1")
    campaign = with_reference_ids(harness, "order1", "order2")
    harness.sandbox.advance(60)

    harness.poll_twice(monkeypatch)

    assert [reject.code for reject in harness.producer.rejects(campaign)] == ["dropped_by_bsg"]
    assert harness.status(campaign).counts["finished"] == 1


def test_a_message_dropped_for_an_id_that_was_used_before_this_ledger_is_a_reject(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.sandbox.configure(duplicates="drop_singly")
    row = {"phone": 380_670_000_000, "sender": "MyShop", "text": "x", "reference_id": "order1"}
    harness.runtime.client.send_individual(json.dumps([row]).encode(), {}, lambda: True)
    harness.sandbox.advance(86_400)
    campaign = with_reference_ids(harness, "order1", "order2")
    harness.sandbox.advance(60)

    harness.poll_twice(monkeypatch)

    assert [reject.code for reject in harness.producer.rejects(campaign)] == ["dropped_by_bsg"]
    assert harness.batch(campaign).other_bsg_campaign_ids == []


def test_a_message_that_bsg_lists_late_in_the_batchs_own_campaign_is_no_reject(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = harness.submitted(2)
    harness.sandbox.advance(60)
    detail, messages = BSGClient.campaign, BSGClient.messages

    def half_counted(client: BSGClient, bsg_id: int) -> CampaignDetail:
        return replace(detail(client, bsg_id), total_messages=1)

    def half_listed(client: BSGClient, campaign_id: int | None = None, **named: Any) -> list[MessageRow]:
        rows = list(messages(client, campaign_id, **named))
        return rows if campaign_id is None else rows[:1]

    monkeypatch.setattr(BSGClient, "campaign", half_counted)
    monkeypatch.setattr(BSGClient, "messages", half_listed)
    harness.poll_twice(monkeypatch)

    assert list(harness.producer.rejects(campaign)) == []
    assert harness.status(campaign).counts["finished"] == 2


def test_a_message_that_bsg_neither_counts_nor_lists_yet_is_no_reject_and_is_waited_for(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = harness.submitted(1)
    harness.sandbox.advance(60)
    harness.sandbox.fault("slow_totals", seconds=3600)
    harness.sandbox.fault("late_visibility", seconds=3600)
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    assert harness.status(campaign).counts["submitted"] == 1

    harness.sandbox.clear_faults()
    harness.poll_twice(monkeypatch)

    assert list(harness.producer.rejects(campaign)) == []
    assert harness.status(campaign).counts["finished"] == 1


def test_messages_that_an_earlier_attempt_brought_to_bsg_are_sent_and_no_rejects(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = sent_twice(harness, 3, dropped=3)

    harness.poll_twice(monkeypatch)

    assert list(harness.producer.rejects(campaign)) == []
    batch = harness.batch(campaign)
    assert (batch.bsg_campaign_id, batch.other_bsg_campaign_ids) == (1_000_001, [1_000_002])
    assert "ALARM: a second BSG campaign" in [change.cause for change in harness.status(campaign).transitions]
    assert harness.runtime.ledger.due_indexes.members(DueIndex.STOPS, account=harness.runtime.account.id) == ["1000002"]

    harness.poll_twice(monkeypatch)
    assert harness.status(campaign).counts["finished"] == 3
    assert harness.batch(campaign).total_messages == 3


def test_of_two_campaigns_that_share_a_batchs_messages_neither_is_stopped_until_somebody_cancels(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = sent_twice(harness, 3, at_first=1, dropped=1)

    harness.poll_twice(monkeypatch)

    assert list(harness.producer.rejects(campaign)) == []
    batch = harness.batch(campaign)
    assert (batch.bsg_campaign_id, batch.other_bsg_campaign_ids) == (1_000_002, [1_000_001])
    assert harness.runtime.ledger.due_indexes.length(DueIndex.STOPS, account=harness.runtime.account.id) == 0
    harness.producer.cancel(campaign)
    assert "1000001" in harness.runtime.ledger.due_indexes.members(DueIndex.STOPS, account=harness.runtime.account.id)


def test_many_messages_that_bsg_left_out_are_not_looked_up_one_by_one(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = sent_twice(harness, 90, at_first=40, dropped=85)
    asked_before = len(harness.sandbox.requests())

    harness.poll_twice(monkeypatch)
    harness.poll_twice(monkeypatch)

    assert [reject.index for reject in harness.producer.rejects(campaign)] == [*range(40, 85)]
    assert len(harness.sandbox.requests()) - asked_before < 40


def test_a_message_of_no_attempt_is_a_reject_beside_those_that_an_earlier_attempt_brought(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = sent_twice(harness, 4, at_first=2, dropped=3)

    harness.poll_twice(monkeypatch)
    harness.poll_twice(monkeypatch)

    assert [reject.index for reject in harness.producer.rejects(campaign)] == [2]
    assert harness.status(campaign).counts["finished"] == 3


def test_what_is_counted_but_not_listed_is_no_reject(harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.sandbox.configure(duplicates="drop_singly")
    with_reference_ids(harness, "order1")
    campaign = with_reference_ids(harness, "order1", "order2", "order3")
    harness.sandbox.advance(60)
    harness.sandbox.fault("late_visibility", seconds=3600)

    harness.poll_twice(monkeypatch)

    assert list(harness.producer.rejects(campaign)) == []


def test_a_total_that_may_still_grow_is_held_against_the_look_before(harness: WorkerHarness) -> None:
    asked: list[int] = []

    class Growing:
        def messages(self, campaign_id: int) -> list[object]:
            asked.append(campaign_id)
            return []

    campaign = harness.submitted(2)
    (record,) = harness.runtime.ledger.reading.batch_records([BatchId.of(campaign, 0)])
    runtime = replace(harness.runtime, client=cast(Any, Growing()))
    detail = CampaignDetail(1, "sending", None, None, {}, None, None, 0, None, None)

    first = reject_dropped(runtime, record, detail)
    reject_dropped(runtime, replace(record, total_messages=0), detail)

    assert first == Total(0)
    assert asked == [1]


def test_messages_that_bsg_left_out_do_not_make_the_others_cheaper(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="10")
        campaign = harness.prepared(20, max_cost="0.05")
        sandbox.fault("drop", rows=range(9), times=1)
        send = harness.posting(campaign)
        posted = post(harness.runtime, send, clock.monotonic())
        assert isinstance(posted, Posted)
        record_post(harness.runtime, send, posted, 0.0)
        harness.producer.pause(campaign)
        sandbox.advance(60)

        harness.poll_twice(monkeypatch)

        first = harness.batch(campaign)
        assert (first.size, first.cost) == (1, "0.0100000 EUR")
        with pytest.raises(CampaignInvalid, match=r"paused again at once: .* Give 0\.11 or more"):
            harness.producer.resume(campaign)
