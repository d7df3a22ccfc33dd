"""What a look at BSG says of a batch in doubt."""

from __future__ import annotations

from typing import Any

import pytest

from bsg_ledger.due_indexes import DueIndex
from bsg_sandbox.server import Sandbox
from bsg_worker.reconcile.reconcile import reconcile
from bsg_worker.upkeep.stops import stop_at_bsg
from tests.worker.harness import WorkerHarness

SIX_MINUTES_MS = 360_000
DAY_MS = 86_400_000


def a_doubt_by_clocks_that_differ(harness: WorkerHarness) -> str:
    """Return a campaign that BSG has, with the response lost, and BSG's clock six minutes slow: too little for a
    zone.
    """
    harness.submitted(1)
    harness.sandbox.fault("cut_after", times=1)
    campaign = harness.submitted(1)
    harness.runtime.redis.hincrby(f"bsg:campaign:{campaign}:batch:0", "first_intent_at", SIX_MINUTES_MS)
    return campaign


def taken_twice(harness: WorkerHarness) -> str:
    """Return a campaign of one batch that BSG has twice, both responses lost."""
    harness.sandbox.configure(duplicates="allow", creation_seconds=60, stop_in_creation=True)
    harness.sandbox.fault("cut_after", times=2)
    campaign = harness.submitted(2)
    harness.producer.resolve(f"{campaign}-0", not_sent=True)
    harness.dispatch()
    harness.make_due(DueIndex.DOUBT)
    return campaign


def looked_twice(harness: WorkerHarness) -> None:
    harness.make_due(DueIndex.DOUBT)
    reconcile(harness.runtime)
    harness.make_due(DueIndex.DOUBT)
    reconcile(harness.runtime)


def test_a_campaign_that_is_older_by_what_clocks_may_differ_is_never_taken_for_another(harness: WorkerHarness) -> None:
    campaign = a_doubt_by_clocks_that_differ(harness)

    looked_twice(harness)

    assert list(harness.producer.rejects(campaign)) == []
    assert harness.batch(campaign).state == "unconfirmed"


def test_a_campaign_that_is_older_by_what_clocks_may_differ_speaks_against_absence(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_CONFIRM_WITHIN="0", BSG_DUPLICATE_WINDOW="3600")
        campaign = a_doubt_by_clocks_that_differ(harness)
        sandbox.fault("late_visibility", seconds=3600)

        looked_twice(harness)

        assert harness.batch(campaign).state == "unconfirmed"


def test_a_doubt_that_is_older_than_what_bsg_lists_at_once_asks_for_an_operator_and_says_why(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_CONFIRM_WITHIN="0")
        campaign = harness.prepared(1)
        harness.unconfirmed(campaign)
        harness.runtime.redis.hincrby(f"bsg:campaign:{campaign}:batch:0", "first_intent_at", -100 * DAY_MS)

        looked_twice(harness)

        assert harness.batch(campaign).needs_operator
        assert harness.status(campaign).transitions[-1].detail == "no trace, but BSG may not show what is that old"


def test_a_batch_that_bsg_has_twice_is_recorded_as_both_and_the_second_is_stopped(harness: WorkerHarness) -> None:
    campaign = taken_twice(harness)

    reconcile(harness.runtime)
    stop_at_bsg(harness.runtime)

    batch = harness.batch(campaign)
    assert (batch.bsg_campaign_id, batch.other_bsg_campaign_ids) == (1_000_001, [1_000_002])
    assert [taken["status"] for taken in harness.sandbox.record().campaigns] == ["creation", "stopped"]
    assert "ALARM: a second BSG campaign" in [change.cause for change in harness.status(campaign).transitions]


def test_what_bsg_has_taken_and_called_a_duplicate_is_found_and_never_sent_again(harness: WorkerHarness) -> None:
    harness.sandbox.configure(duplicates="allow")
    harness.sandbox.fault("duplicate_notice_after", times=1)
    campaign = harness.prepared(2)

    outcome = harness.dispatch()
    looked_twice(harness)
    harness.dispatch()

    assert outcome.startswith(f"{campaign}-0 unconfirmed: HTTP 429: duplicate request")
    assert harness.batch(campaign).bsg_campaign_id == 1_000_001
    assert harness.sandbox.summary().repeated_messages == 0


def test_a_proxys_repetition_that_bsg_calls_a_duplicate_is_found(harness: WorkerHarness) -> None:
    harness.sandbox.configure(duplicates="allow", duplicate_request_window=60)
    harness.sandbox.fault("cut_after", times=1)
    campaign = harness.submitted(1)
    harness.producer.resolve(f"{campaign}-0", not_sent=True)

    harness.dispatch()
    looked_twice(harness)

    assert harness.batch(campaign).bsg_campaign_id == 1_000_001
    assert len(harness.sandbox.record().campaigns) == 1


class Died(Exception):
    """Stands in for a SIGKILL: nothing of the process goes on."""


def test_a_reconcile_that_dies_after_its_first_effect_has_recorded_both_campaigns_of_a_batch(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = taken_twice(harness)
    batches = harness.runtime.ledger.batches
    taken = batches.taken

    def taken_and_died(*arguments: Any, **named: Any) -> str:
        taken(*arguments, **named)
        raise Died

    monkeypatch.setattr(batches, "taken", taken_and_died)
    with pytest.raises(Died):
        reconcile(harness.runtime)

    batch = harness.batch(campaign)
    assert (batch.bsg_campaign_id, batch.other_bsg_campaign_ids) == (1_000_001, [1_000_002])
