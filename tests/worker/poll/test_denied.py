"""A campaign that BSG named, and does not know any more: only an operator can say what became of it."""

from __future__ import annotations

from typing import Any

import pytest

from bsg_ledger.due_indexes import DueIndex
from bsg_messages.errors import CampaignInvalid
from bsg_worker.poll.poll import poll
from bsg_worker.reconcile.reconcile import reconcile
from bsg_worker.runtime import build
from bsg_worker.upkeep.stops import stop_at_bsg
from tests.worker.bench import Bench

UNKNOWN = 999  # no campaign at BSG has that id: need_operator for it is answered 404
HOUR_MS = 3_600_000


def named(bench: Bench, bsg_campaign_id: int = UNKNOWN) -> str:
    """A campaign of one message, for which BSG named a campaign that it does not know."""
    campaign = bench.prepared(1)
    bench.taken(campaign, bench.posting(campaign).batch, bsg_campaign_id)
    return campaign


def age(bench: Bench, campaign: str, field: str, milliseconds: int = HOUR_MS) -> None:
    """Time passes by ageing what is stored."""
    bench.runtime.redis.hincrby(f"bsg:campaign:{campaign}:batch:0", field, -milliseconds)


def poll_again(bench: Bench, campaign: str, *, later_ms: int = HOUR_MS) -> None:
    """A poll, that much later than the one before."""
    for field in ("lost_at", "unread_at"):
        if bench.runtime.redis.hexists(f"bsg:campaign:{campaign}:batch:0", field):
            age(bench, campaign, field, later_ms)
    bench.make_due(DueIndex.LIVE)
    poll(bench.runtime)


def denied(bench: Bench) -> str:
    campaign = named(bench)
    age(bench, campaign, "submitted_at")
    poll_again(bench, campaign)
    poll_again(bench, campaign)
    assert bench.batch(campaign).needs_operator
    return campaign


def need_operator(bench: Bench) -> int:
    return bench.runtime.ledger.due_indexes.length(DueIndex.NEEDS_OPERATOR, account=bench.runtime.account)


def test_a_campaign_that_bsg_denies_for_long_asks_for_an_operator(bench: Bench) -> None:
    campaign = named(bench)
    age(bench, campaign, "submitted_at")
    poll_again(bench, campaign)
    assert (bench.batch(campaign).needs_operator, need_operator(bench)) == (False, 0)

    poll_again(bench, campaign)

    batch = bench.batch(campaign)
    assert (batch.state, batch.needs_operator, batch.error) == ("submitted", True, "BSG does not know campaign 999")
    assert [t.detail for t in bench.status(campaign).transitions if "operator" in t.cause] == [batch.error]
    assert need_operator(bench) == 1


def test_denials_are_counted_whichever_process_hears_them(bench: Bench) -> None:
    campaign = named(bench)
    age(bench, campaign, "submitted_at")
    poll_again(bench, campaign)
    age(bench, campaign, "lost_at")
    bench.make_due(DueIndex.LIVE)

    poll(build(bench.settings))

    assert bench.batch(campaign).needs_operator


def test_a_campaign_that_bsg_has_just_named_may_not_be_shown_yet(bench: Bench) -> None:
    campaign = named(bench)
    age(bench, campaign, "submitted_at", -HOUR_MS)

    poll_again(bench, campaign)
    poll_again(bench, campaign)

    assert not bench.batch(campaign).needs_operator


def unread(bench: Bench) -> str:
    """A batch at BSG about whose campaign every read is answered with 500, for two hours."""
    campaign = bench.submitted(1)
    age(bench, campaign, "submitted_at", 2 * HOUR_MS)
    bench.sandbox.fault("server_error_before", method="GET", path="/api/campaigns/1000001/detail")
    poll_again(bench, campaign)
    assert not bench.batch(campaign).needs_operator
    poll_again(bench, campaign, later_ms=2 * HOUR_MS)
    return campaign


def test_a_detail_that_is_answered_500_for_an_hour_asks_for_an_operator(bench: Bench) -> None:
    campaign = unread(bench)

    batch = bench.batch(campaign)
    assert (batch.needs_operator, batch.error) == (True, "campaign 1000001: HTTP 500")
    assert need_operator(bench) == 1

    bench.sandbox.clear_faults()
    bench.make_due(DueIndex.LIVE)
    poll(bench.runtime)
    assert (bench.batch(campaign).needs_operator, bench.batch(campaign).error, need_operator(bench)) == (False, None, 0)


def test_a_bsg_that_is_out_of_reach_asks_for_nobody(bench: Bench) -> None:
    campaign = bench.submitted(1)
    age(bench, campaign, "submitted_at", 2 * HOUR_MS)
    bench.sandbox.fault("cut_before", method="GET", path="/api/campaigns/1000001/detail")

    for _ in range(2):
        poll_again(bench, campaign, later_ms=2 * HOUR_MS)

    assert not bench.batch(campaign).needs_operator


def test_another_answer_than_404_ends_the_denials_before_it(bench: Bench) -> None:
    campaign = named(bench)
    age(bench, campaign, "submitted_at")
    poll_again(bench, campaign)
    bench.sandbox.fault("server_error_before", method="GET", path="/api/campaigns/999/detail", times=1)
    poll_again(bench, campaign, later_ms=HOUR_MS // 2)

    poll_again(bench, campaign, later_ms=0)

    assert not bench.batch(campaign).needs_operator


def test_what_bsg_says_nothing_of_use_about_is_never_sent_again(bench: Bench) -> None:
    campaign = unread(bench)

    with pytest.raises(CampaignInvalid, match="may have sent it"):
        bench.producer.resolve(f"{campaign}-0", not_sent=True)

    assert bench.runtime.ledger.batches.resolve_not_sent(campaign, 0) == "stale"
    assert bench.producer.resolve(f"{campaign}-0", sent=1_000_001) == "finished"
    assert need_operator(bench) == 0


def test_a_finished_campaign_whose_detail_is_answered_500_is_not_asked_for_for_ever(bench: Bench) -> None:
    campaign = bench.submitted(1)
    bench.sandbox.advance(60)
    bench.make_due(DueIndex.LIVE)
    poll(bench.runtime)
    age(bench, campaign, "finished_at", 73 * HOUR_MS)
    bench.sandbox.fault("server_error_before", method="GET", path="/api/campaigns/1000001/detail")

    bench.make_due(DueIndex.LIVE)
    poll(bench.runtime)

    assert bench.runtime.ledger.due_indexes.length(DueIndex.LIVE, account=bench.runtime.account) == 0


def test_a_campaign_that_bsg_shows_again_asks_nobody_any_more(bench: Bench) -> None:
    campaign = denied(bench)

    bench.runtime.ledger.batches.polled(
        campaign, 0, status="sending", final=False, statistics="{}", price="", currency="", total_messages=None,
        next_poll_ms=0,
    )  # fmt: skip

    assert (bench.batch(campaign).needs_operator, bench.batch(campaign).error) == (False, None)


def test_a_person_says_that_it_was_sent_and_it_is_finished(bench: Bench) -> None:
    campaign = denied(bench)

    assert bench.producer.resolve(f"{campaign}-0", sent=UNKNOWN) == "finished"

    batch = bench.batch(campaign)
    assert (bench.status(campaign).state, batch.bsg_status, batch.needs_operator) == ("done", "unknown", False)


def test_a_person_says_that_it_was_not_sent_and_it_is_sent_again(bench: Bench) -> None:
    campaign = denied(bench)

    assert bench.producer.resolve(f"{campaign}-0", not_sent=True) == "pending"
    bench.submit(campaign)

    batch = bench.batch(campaign)
    assert (batch.state, batch.needs_operator, list(batch.other_bsg_campaign_ids)) == ("submitted", False, [UNKNOWN])
    assert len(bench.sandbox.record().campaigns) == 1


def test_what_was_cancelled_and_not_sent_is_cancelled_and_nothing_is_left_to_be_stopped(bench: Bench) -> None:
    campaign = denied(bench)
    bench.producer.cancel(campaign)

    assert bench.producer.resolve(f"{campaign}-0", not_sent=True) == "cancelled"

    assert bench.runtime.redis.zcard(f"bsg:account:{bench.runtime.account}:stops") == 0


def test_what_was_cancelled_and_bsg_may_still_send_is_stopped_though_an_operator_says_that_bsg_has_it(
    bench: Bench,
) -> None:
    bench.sandbox.configure(creation_seconds=0.0, sending_seconds=1e8)
    campaign = bench.submitted(1)
    bench.sandbox.fault("server_error_before", status=500, method="GET", path="/api/campaigns/*/detail")
    bench.producer.cancel(campaign)
    age(bench, campaign, "submitted_at", 2 * HOUR_MS)
    poll_again(bench, campaign)
    poll_again(bench, campaign)
    assert bench.batch(campaign).needs_operator
    bsg_id = bench.batch(campaign).bsg_campaign_id
    assert bench.producer.resolve(f"{campaign}-0", sent=bsg_id) == "finished"
    bench.sandbox.clear_faults()

    bench.make_due(DueIndex.STOPS)
    assert stop_at_bsg(bench.runtime) == "1 of 1 stops are over"


def test_a_campaign_that_bsg_shows_needs_no_word(bench: Bench) -> None:
    campaign = bench.submitted(1)

    with pytest.raises(CampaignInvalid, match="nothing to resolve"):
        bench.producer.resolve(f"{campaign}-0", not_sent=True)


def test_a_word_on_another_campaign_than_the_one_that_bsg_named_is_no_word(bench: Bench) -> None:
    campaign = denied(bench)

    with pytest.raises(CampaignInvalid, match="999"):
        bench.producer.resolve(f"{campaign}-0", sent=UNKNOWN + 1)

    assert bench.batch(campaign).state == "submitted"


def test_a_finished_campaign_that_bsg_denies_is_asked_for_no_longer_than_its_messages_live(bench: Bench) -> None:
    campaign = named(bench)
    bench.runtime.ledger.batches.polled(
        campaign, 0, status="done", final=True, statistics='{"sent": 1}', price="", currency="", total_messages=1,
        next_poll_ms=0,
    )  # fmt: skip
    age(bench, campaign, "finished_at", 73 * HOUR_MS)
    bench.make_due(DueIndex.LIVE)

    poll(bench.runtime)

    assert bench.runtime.redis.zcard(f"bsg:account:{bench.runtime.account}:live") == 0
    assert bench.batch(campaign).statistics == {"sent": 1}


def test_a_doubt_whose_look_bsg_denies_asks_for_an_operator(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.sandbox.fault("cut_after")
    campaign = bench.submitted(1)
    answer: Any = bench.runtime.client.campaign
    monkeypatch.setattr(bench.runtime.client, "campaign", lambda _: answer(UNKNOWN))
    age(bench, campaign, "intent_at")
    bench.make_due(DueIndex.DOUBT)

    reconcile(bench.runtime)

    assert bench.batch(campaign).needs_operator
