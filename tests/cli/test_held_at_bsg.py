"""What BSG holds after it has taken it is told by doctor, explain and metrics, with the way out."""

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
from tests.worker.bench import Bench

HOUR_MS = 3_600_000


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    with Sandbox(sending_seconds=1_000_000) as sandbox:
        yield Bench(redis_url, sandbox)


def shown(bench: Bench, status: str) -> str:
    """A campaign of one batch to which BSG gives that status."""
    campaign = bench.submitted(1)
    see(bench, campaign, status)
    return campaign


def see(bench: Bench, campaign: str, status: str) -> None:
    bench.sandbox.force_status(bench.batch(campaign).bsg_campaign_id or 0, status)
    bench.make_due(DueIndex.LIVE)
    poll(bench.runtime)


def findings(bench: Bench, campaign: str) -> list[Finding]:
    """What doctor says of the campaign."""
    found = [
        *look_at_campaigns(bench.runtime.redis, bench.settings),
        *look_at_waiting(bench.runtime.redis, bench.settings),
    ]
    return [one for one in found if campaign in one.told]


def explained(bench: Bench, campaign: str) -> Explanation:
    (one,) = explain(bench.settings, campaign)
    return one


def metric(bench: Bench, name: str, status: str = "") -> float:
    (family,) = [one for one in CampaignMetrics(Observer(bench.settings).figures).collect() if one.name == name]
    (value,) = [sample.value for sample in family.samples if sample.labels.get("status", "") == status]
    return value


def age(bench: Bench, campaign: str, index: str, milliseconds: int) -> None:
    """Time passes by ageing what is stored."""
    bench.runtime.redis.hincrby(f"bsg:campaign:{campaign}:batch:0", "bsg_status_at", -milliseconds)
    bench.runtime.redis.zincrby(f"bsg:account:{bench.runtime.account}:{index}", -milliseconds, f"{campaign}-0")


def test_what_bsg_has_paused_is_a_problem_that_only_its_account_ends(bench: Bench) -> None:
    campaign = shown(bench, "paused")

    (finding,) = findings(bench, campaign)
    one = explained(bench, campaign)

    assert finding.level is Level.PROBLEM
    for remedy in (finding.remedy, one.next):
        assert "resume the campaign in BSG's account" in remedy
        assert f"cancel {campaign}" in remedy
    assert one.stands.startswith("paused at BSG since")
    assert metric(bench, "bsg_batches_at_bsg", "paused") == 1

    see(bench, campaign, "sending")
    assert findings(bench, campaign) == []
    assert metric(bench, "bsg_batches_at_bsg", "paused") == 0
    assert "at BSG (sending)" in explained(bench, campaign).stands


def test_moderation_is_told_once_it_takes_longer_than_an_hour(bench: Bench) -> None:
    campaign = shown(bench, "moderation")
    assert findings(bench, campaign) == []
    assert metric(bench, "bsg_longest_moderation_seconds") < 3600

    age(bench, campaign, "in-moderation", 2 * HOUR_MS)

    (finding,) = findings(bench, campaign)
    assert (finding.level, "BSG's moderation" in finding.told) == (Level.WARNING, True)
    assert "Ask BSG" in explained(bench, campaign).next
    assert metric(bench, "bsg_longest_moderation_seconds") > 7000


def test_the_hour_of_moderation_begins_with_it_and_not_with_each_poll(bench: Bench) -> None:
    campaign = shown(bench, "moderation")
    age(bench, campaign, "in-moderation", 2 * HOUR_MS)

    see(bench, campaign, "moderation")

    assert len(findings(bench, campaign)) == 1
    assert metric(bench, "bsg_longest_moderation_seconds") > 7000


def test_what_did_not_pass_moderation_is_told_for_a_day_and_not_called_sent(bench: Bench) -> None:
    campaign = shown(bench, "spam")

    (finding,) = findings(bench, campaign)
    assert finding.level is Level.WARNING
    assert explained(bench, campaign).stands.startswith("not sent: they did not pass BSG's moderation")
    assert metric(bench, "bsg_batches_at_bsg", "spam") == 1

    age(bench, campaign, "spam-at-bsg", 25 * HOUR_MS)
    assert findings(bench, campaign) == []
    assert metric(bench, "bsg_batches_at_bsg", "spam") == 0

    assert bench.runtime.ledger.campaigns.forget(campaign)
    assert bench.runtime.ledger.due_indexes.length(DueIndex.SPAM_AT_BSG, account=bench.runtime.account) == 0


def test_of_a_large_campaign_the_batch_that_bsg_holds_is_named_too(redis_url: str) -> None:
    with Sandbox(sending_seconds=1_000_000) as sandbox:
        bench = Bench(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = bench.submitted(102)
        see(bench, campaign, "paused")

        (finding,) = findings(bench, campaign)

        assert "resume it in BSG's account" in finding.told


def test_a_cancelled_campaign_says_that_bsg_is_told_to_stop_it_and_in_which_status_it_is(bench: Bench) -> None:
    bench.sandbox.configure(creation_seconds=60)
    campaign = bench.submitted(1)
    bench.producer.cancel(campaign)

    one = explained(bench, campaign)

    assert one.stands == "cancelled, and at BSG (creation), which is told to stop it"
    assert [finding.level for finding in findings(bench, campaign)] == [Level.NOTE]


def test_an_operators_word_ends_what_bsg_was_said_to_hold(bench: Bench) -> None:
    campaign = shown(bench, "paused")
    bench.runtime.redis.hset(f"bsg:campaign:{campaign}:batch:0", "needs_operator", "unread")

    bench.producer.resolve(f"{campaign}-0", sent=bench.batch(campaign).bsg_campaign_id or 0)

    assert bench.runtime.ledger.due_indexes.length(DueIndex.PAUSED_AT_BSG, account=bench.runtime.account) == 0
