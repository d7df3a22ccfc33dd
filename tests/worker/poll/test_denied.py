"""A campaign that BSG named, and does not know any more: only an operator can say what became of it."""

from __future__ import annotations

from typing import Any

import pytest

from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.states import NeedsOperator
from bsg_messages.errors import CampaignInvalid
from bsg_worker.poll.poll import poll
from bsg_worker.reconcile.reconcile import reconcile
from bsg_worker.runtime import build
from bsg_worker.upkeep.stops import stop_at_bsg
from tests.worker.harness import WorkerHarness

UNKNOWN = 999  # no campaign at BSG has that id: need_operator for it gets 404
HOUR_MS = 3_600_000


def named(harness: WorkerHarness, bsg_campaign_id: int = UNKNOWN) -> str:
    """Return a campaign of one message, for which BSG named a campaign that it does not know."""
    campaign = harness.prepared(1)
    harness.taken(campaign, harness.posting(campaign).batch.number, bsg_campaign_id)
    return campaign


def age(harness: WorkerHarness, campaign: str, field: str, milliseconds: int = HOUR_MS) -> None:
    """Time passes by ageing what is stored."""
    harness.runtime.redis.hincrby(f"bsg:campaign:{campaign}:batch:0", field, -milliseconds)


def poll_again(harness: WorkerHarness, campaign: str, *, later_ms: int = HOUR_MS) -> None:
    """A poll, that much later than the one before."""
    for field in ("lost_at", "unread_at"):
        if harness.runtime.redis.hexists(f"bsg:campaign:{campaign}:batch:0", field):
            age(harness, campaign, field, later_ms)
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)


def denied(harness: WorkerHarness) -> str:
    campaign = named(harness)
    age(harness, campaign, "submitted_at")
    poll_again(harness, campaign)
    poll_again(harness, campaign)
    assert harness.batch(campaign).needs_operator
    return campaign


def need_operator(harness: WorkerHarness) -> int:
    return harness.runtime.ledger.due_indexes.length(DueIndex.NEEDS_OPERATOR, account=harness.runtime.account.id)


def test_a_campaign_that_bsg_denies_for_long_asks_for_an_operator(harness: WorkerHarness) -> None:
    campaign = named(harness)
    age(harness, campaign, "submitted_at")
    poll_again(harness, campaign)
    assert (harness.batch(campaign).needs_operator, need_operator(harness)) == (None, 0)

    poll_again(harness, campaign)

    batch = harness.batch(campaign)
    assert (batch.state, batch.needs_operator, batch.error) == (
        "submitted",
        NeedsOperator.LOST,
        "BSG does not know campaign 999",
    )
    assert [t.detail for t in harness.status(campaign).transitions if "operator" in t.cause] == [batch.error]
    assert need_operator(harness) == 1


def test_denials_are_counted_whichever_process_hears_them(harness: WorkerHarness) -> None:
    campaign = named(harness)
    age(harness, campaign, "submitted_at")
    poll_again(harness, campaign)
    age(harness, campaign, "lost_at")
    harness.make_due(DueIndex.LIVE)

    poll(build(harness.settings))

    assert harness.batch(campaign).needs_operator


def test_a_campaign_that_bsg_has_just_named_may_not_be_shown_yet(harness: WorkerHarness) -> None:
    campaign = named(harness)
    age(harness, campaign, "submitted_at", -HOUR_MS)

    poll_again(harness, campaign)
    poll_again(harness, campaign)

    assert not harness.batch(campaign).needs_operator


def unread(harness: WorkerHarness) -> str:
    """Return a batch at BSG about whose campaign every read gets 500, for two hours."""
    campaign = harness.submitted(1)
    age(harness, campaign, "submitted_at", 2 * HOUR_MS)
    harness.sandbox.fault("server_error_before", method="GET", path="/api/campaigns/1000001/detail")
    poll_again(harness, campaign)
    assert not harness.batch(campaign).needs_operator
    poll_again(harness, campaign, later_ms=2 * HOUR_MS)
    return campaign


def test_a_detail_that_gets_500_for_an_hour_asks_for_an_operator(harness: WorkerHarness) -> None:
    campaign = unread(harness)

    batch = harness.batch(campaign)
    assert (batch.needs_operator, batch.error) == (NeedsOperator.UNREAD, "campaign 1000001: HTTP 500")
    assert need_operator(harness) == 1

    harness.sandbox.clear_faults()
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    assert (harness.batch(campaign).needs_operator, harness.batch(campaign).error, need_operator(harness)) == (
        None,
        None,
        0,
    )


def test_a_bsg_that_is_out_of_reach_asks_for_nobody(harness: WorkerHarness) -> None:
    campaign = harness.submitted(1)
    age(harness, campaign, "submitted_at", 2 * HOUR_MS)
    harness.sandbox.fault("cut_before", method="GET", path="/api/campaigns/1000001/detail")

    for _ in range(2):
        poll_again(harness, campaign, later_ms=2 * HOUR_MS)

    assert not harness.batch(campaign).needs_operator


def test_another_response_than_404_ends_the_denials_before_it(harness: WorkerHarness) -> None:
    campaign = named(harness)
    age(harness, campaign, "submitted_at")
    poll_again(harness, campaign)
    harness.sandbox.fault("server_error_before", method="GET", path="/api/campaigns/999/detail", times=1)
    poll_again(harness, campaign, later_ms=HOUR_MS // 2)

    poll_again(harness, campaign, later_ms=0)

    assert not harness.batch(campaign).needs_operator


def test_what_bsg_says_nothing_of_use_about_is_never_sent_again(harness: WorkerHarness) -> None:
    campaign = unread(harness)

    with pytest.raises(CampaignInvalid, match="may have sent it"):
        harness.producer.resolve(f"{campaign}-0", not_sent=True)

    assert harness.runtime.ledger.batches.resolve_not_sent(BatchId.of(campaign, 0)) == "stale"
    assert harness.producer.resolve(f"{campaign}-0", sent=1_000_001) == "finished"
    assert need_operator(harness) == 0


def test_a_finished_campaign_whose_detail_gets_500_is_not_asked_for_for_ever(harness: WorkerHarness) -> None:
    campaign = harness.submitted(1)
    harness.sandbox.advance(60)
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    age(harness, campaign, "finished_at", 73 * HOUR_MS)
    harness.sandbox.fault("server_error_before", method="GET", path="/api/campaigns/1000001/detail")

    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)

    assert harness.runtime.ledger.due_indexes.length(DueIndex.LIVE, account=harness.runtime.account.id) == 0


def test_a_campaign_that_bsg_shows_again_asks_nobody_any_more(harness: WorkerHarness) -> None:
    campaign = denied(harness)

    harness.runtime.ledger.batches.polled(
        BatchId.of(campaign, 0), status="sending", final=False, statistics="{}", price="", currency="",
        total_messages=None, next_poll_ms=0,
    )  # fmt: skip

    assert (harness.batch(campaign).needs_operator, harness.batch(campaign).error) == (None, None)


def test_an_operator_says_that_it_was_sent_and_it_is_finished(harness: WorkerHarness) -> None:
    campaign = denied(harness)

    assert harness.producer.resolve(f"{campaign}-0", sent=UNKNOWN) == "finished"

    batch = harness.batch(campaign)
    assert (harness.status(campaign).state, batch.bsg_status, batch.needs_operator) == ("done", "unknown", None)


def test_an_operator_says_that_it_was_not_sent_and_it_is_sent_again(harness: WorkerHarness) -> None:
    campaign = denied(harness)

    assert harness.producer.resolve(f"{campaign}-0", not_sent=True) == "pending"
    harness.dispatch()

    batch = harness.batch(campaign)
    assert (batch.state, batch.needs_operator, list(batch.other_bsg_campaign_ids)) == ("submitted", None, [UNKNOWN])
    assert len(harness.sandbox.record().campaigns) == 1


def test_what_was_cancelled_and_not_sent_is_cancelled_and_nothing_is_left_to_be_stopped(harness: WorkerHarness) -> None:
    campaign = denied(harness)
    harness.producer.cancel(campaign)

    assert harness.producer.resolve(f"{campaign}-0", not_sent=True) == "cancelled"

    assert harness.runtime.redis.zcard(f"bsg:account:{harness.runtime.account.id}:stops") == 0


def test_what_was_cancelled_and_bsg_may_still_send_is_stopped_though_an_operator_says_that_bsg_has_it(
    harness: WorkerHarness,
) -> None:
    harness.sandbox.configure(creation_seconds=0.0, sending_seconds=1e8)
    campaign = harness.submitted(1)
    harness.sandbox.fault("server_error_before", status=500, method="GET", path="/api/campaigns/*/detail")
    harness.producer.cancel(campaign)
    age(harness, campaign, "submitted_at", 2 * HOUR_MS)
    poll_again(harness, campaign)
    poll_again(harness, campaign)
    assert harness.batch(campaign).needs_operator
    bsg_id = harness.batch(campaign).bsg_campaign_id
    assert harness.producer.resolve(f"{campaign}-0", sent=bsg_id) == "finished"
    harness.sandbox.clear_faults()

    harness.make_due(DueIndex.STOPS)
    assert stop_at_bsg(harness.runtime) == "1 of 1 stops are over"


def test_a_campaign_that_bsg_shows_needs_no_word(harness: WorkerHarness) -> None:
    campaign = harness.submitted(1)

    with pytest.raises(CampaignInvalid, match="nothing to resolve"):
        harness.producer.resolve(f"{campaign}-0", not_sent=True)


def test_a_word_on_another_campaign_than_the_one_that_bsg_named_is_no_word(harness: WorkerHarness) -> None:
    campaign = denied(harness)

    with pytest.raises(CampaignInvalid, match="999"):
        harness.producer.resolve(f"{campaign}-0", sent=UNKNOWN + 1)

    assert harness.batch(campaign).state == "submitted"


def test_a_finished_campaign_that_bsg_denies_is_asked_for_no_longer_than_its_messages_live(
    harness: WorkerHarness,
) -> None:
    campaign = named(harness)
    harness.runtime.ledger.batches.polled(
        BatchId.of(campaign, 0), status="done", final=True, statistics='{"sent": 1}', price="", currency="",
        total_messages=1, next_poll_ms=0,
    )  # fmt: skip
    age(harness, campaign, "finished_at", 73 * HOUR_MS)
    harness.make_due(DueIndex.LIVE)

    poll(harness.runtime)

    assert harness.runtime.redis.zcard(f"bsg:account:{harness.runtime.account.id}:live") == 0
    assert harness.batch(campaign).statistics == {"sent": 1}


def test_a_doubt_whose_look_bsg_denies_asks_for_an_operator(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.sandbox.fault("cut_after")
    campaign = harness.submitted(1)
    response: Any = harness.runtime.client.campaign
    monkeypatch.setattr(harness.runtime.client, "campaign", lambda _: response(UNKNOWN))
    age(harness, campaign, "intent_at")
    harness.make_due(DueIndex.DOUBT)

    reconcile(harness.runtime)

    assert harness.batch(campaign).needs_operator
