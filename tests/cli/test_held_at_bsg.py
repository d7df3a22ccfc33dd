"""What BSG holds after it has taken it is reported by doctor, explain and metrics, with the way out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bsg_cli.commands.explain import Explanation, explain
from bsg_cli.diagnosis.campaigns import look_at_campaigns
from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.diagnosis.waiting import look_at_waiting
from bsg_ledger.due_indexes import DueIndex
from bsg_monitor.metrics import CampaignMetrics
from bsg_monitor.observer import Observer
from bsg_sandbox.server import Sandbox
from bsg_worker.poll.poll import poll
from tests.worker.harness import WorkerHarness

HOUR_MS = 3_600_000


@pytest.fixture
def harness(redis_url: str) -> Iterator[WorkerHarness]:
    with Sandbox(sending_seconds=1_000_000) as sandbox:
        yield WorkerHarness(redis_url, sandbox)


def shown(harness: WorkerHarness, status: str) -> str:
    """Return a campaign of one batch to which BSG gives that status."""
    campaign = harness.submitted(1)
    see(harness, campaign, status)
    return campaign


def see(harness: WorkerHarness, campaign: str, status: str) -> None:
    harness.sandbox.force_status(harness.batch(campaign).bsg_campaign_id or 0, status)
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)


def findings(harness: WorkerHarness, campaign: str) -> list[Finding]:
    """Return what doctor says of the campaign."""
    found = [
        *look_at_campaigns(harness.runtime.redis, harness.settings),
        *look_at_waiting(harness.runtime.redis, harness.settings),
    ]
    return [one for one in found if campaign in one.message]


def explained(harness: WorkerHarness, campaign: str) -> Explanation:
    (one,) = explain(harness.settings, campaign)
    return one


def metric(harness: WorkerHarness, name: str, status: str = "") -> float:
    (family,) = [one for one in CampaignMetrics(Observer(harness.settings).figures).collect() if one.name == name]
    (value,) = [sample.value for sample in family.samples if sample.labels.get("status", "") == status]
    return value


def age(harness: WorkerHarness, campaign: str, index: str, milliseconds: int) -> None:
    """Time passes by ageing what is stored."""
    harness.runtime.redis.hincrby(f"bsg:campaign:{campaign}:batch:0", "bsg_status_at", -milliseconds)
    harness.runtime.redis.zincrby(f"bsg:account:{harness.runtime.account.id}:{index}", -milliseconds, f"{campaign}-0")


def test_what_bsg_has_paused_is_a_problem_that_only_its_account_ends(harness: WorkerHarness) -> None:
    campaign = shown(harness, "paused")

    (finding,) = findings(harness, campaign)
    one = explained(harness, campaign)

    assert finding.level is Level.PROBLEM
    for remedy in (finding.remedy, one.next):
        assert "resume the campaign in BSG's account" in remedy
        assert f"cancel {campaign}" in remedy
    assert one.description.startswith("paused at BSG since")
    assert metric(harness, "bsg_batches_at_bsg", "paused") == 1

    see(harness, campaign, "sending")
    assert findings(harness, campaign) == []
    assert metric(harness, "bsg_batches_at_bsg", "paused") == 0
    assert "at BSG (sending)" in explained(harness, campaign).description


def test_moderation_is_reported_once_it_takes_longer_than_an_hour(harness: WorkerHarness) -> None:
    campaign = shown(harness, "moderation")
    assert findings(harness, campaign) == []
    assert metric(harness, "bsg_longest_moderation_seconds") < 3600

    age(harness, campaign, "in-moderation", 2 * HOUR_MS)

    (finding,) = findings(harness, campaign)
    assert (finding.level, "BSG's moderation" in finding.message) == (Level.WARNING, True)
    assert "Ask BSG" in explained(harness, campaign).next
    assert metric(harness, "bsg_longest_moderation_seconds") > 7000


def test_the_hour_of_moderation_begins_with_it_and_not_with_each_poll(harness: WorkerHarness) -> None:
    campaign = shown(harness, "moderation")
    age(harness, campaign, "in-moderation", 2 * HOUR_MS)

    see(harness, campaign, "moderation")

    assert len(findings(harness, campaign)) == 1
    assert metric(harness, "bsg_longest_moderation_seconds") > 7000


def test_what_did_not_pass_moderation_is_reported_for_a_day_and_not_called_sent(harness: WorkerHarness) -> None:
    campaign = shown(harness, "spam")

    (finding,) = findings(harness, campaign)
    assert finding.level is Level.WARNING
    assert explained(harness, campaign).description.startswith("not sent: they did not pass BSG's moderation")
    assert metric(harness, "bsg_batches_at_bsg", "spam") == 1

    age(harness, campaign, "spam-at-bsg", 25 * HOUR_MS)
    assert findings(harness, campaign) == []
    assert metric(harness, "bsg_batches_at_bsg", "spam") == 0

    assert harness.runtime.ledger.campaigns.forget(campaign)
    assert harness.runtime.ledger.due_indexes.length(DueIndex.SPAM_AT_BSG, account=harness.runtime.account.id) == 0


def test_of_a_large_campaign_the_batch_that_bsg_holds_is_named_too(redis_url: str) -> None:
    with Sandbox(sending_seconds=1_000_000) as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = harness.submitted(102)
        see(harness, campaign, "paused")

        (finding,) = findings(harness, campaign)

        assert "resume it in BSG's account" in finding.message


def test_a_cancelled_campaign_says_that_bsg_is_asked_to_stop_it_and_in_which_status_it_is(
    harness: WorkerHarness,
) -> None:
    harness.sandbox.configure(creation_seconds=60)
    campaign = harness.submitted(1)
    harness.producer.cancel(campaign)

    one = explained(harness, campaign)

    assert one.description == "cancelled, and at BSG (creation), which is asked to stop it"
    assert [finding.level for finding in findings(harness, campaign)] == [Level.NOTE]


def test_an_operators_decision_ends_what_bsg_was_reported_to_hold(harness: WorkerHarness) -> None:
    campaign = shown(harness, "paused")
    harness.runtime.redis.hset(f"bsg:campaign:{campaign}:batch:0", "needs_operator", "unread")

    harness.producer.resolve(f"{campaign}-0", sent=harness.batch(campaign).bsg_campaign_id or 0)

    assert harness.runtime.ledger.due_indexes.length(DueIndex.PAUSED_AT_BSG, account=harness.runtime.account.id) == 0
