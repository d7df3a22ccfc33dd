"""Several accounts at BSG in the same workers."""

from __future__ import annotations

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.settings import Settings
from bsg_producer import Producer
from bsg_worker.runtime import build
from tests.scenarios.conftest import SECOND
from tests.scenarios.environment import ScenarioEnvironment


def at_bsg(scenario: ScenarioEnvironment, account: str, campaign: str) -> list[int]:
    """Return the campaigns that BSG shows to the account of that name, of those that are this campaign's batches."""
    status = scenario.status(campaign)
    settings = Settings.from_environment(scenario.processes.settings)
    listed = build(settings, settings.of_account(account)).client.campaigns(status.accepted_at, status.deadline)
    own = {batch.bsg_campaign_id for batch in status.batches}
    return [response.id for response in listed if response.id in own]


def test_each_account_sends_its_own_campaigns_and_reads_their_statuses(scenario: ScenarioEnvironment) -> None:
    campaigns = {account: scenario.send(250, account=account) for account in (DEFAULT_ACCOUNT, "second")}

    for account, campaign in campaigns.items():
        scenario.wait_for(campaign, "done")
        scenario.assert_each_arrived_once(campaign, 250)
        others = {DEFAULT_ACCOUNT: "second", "second": DEFAULT_ACCOUNT}
        assert len(at_bsg(scenario, account, campaign)) == 3
        assert at_bsg(scenario, others[account], campaign) == []


def test_a_gate_holds_its_own_account_alone(scenario: ScenarioEnvironment) -> None:
    scenario.producer.shut_gate(account="second")
    try:
        held, free = scenario.send(10, account="second"), scenario.send(10)
        scenario.wait_for(free, "done")
        assert scenario.count(held, "unprepared") == 10
    finally:
        scenario.producer.open_gate(account="second")
    scenario.wait_for(held, "done")
    scenario.assert_each_arrived_once(held, 10)


def test_an_account_that_bsg_blocks_holds_up_no_other(scenario: ScenarioEnvironment) -> None:
    scenario.sandbox.put_account(SECOND, blocked=True)
    try:
        held, free = scenario.send(10, account="second"), scenario.send(10)
        scenario.wait_for(free, "done")
        scenario.wait_for_messages(held, "pending", 10)
        assert scenario.producer.gate().open
    finally:
        scenario.sandbox.put_account(SECOND, blocked=False)
        scenario.producer.open_gate(account="second")
    scenario.wait_for(held, "done")
    scenario.assert_each_arrived_once(held, 10)


def test_a_campaign_waits_for_a_worker_with_its_accounts_key(own_scenario: ScenarioEnvironment) -> None:
    own_scenario.sandbox.put_account(SECOND)
    with_both = {**own_scenario.processes.settings, "BSG_API_KEY__SECOND": SECOND}
    own_scenario.producer = Producer(Settings.from_environment(with_both))
    own_scenario.processes.worker()
    campaign, of_the_worker = own_scenario.send(10, account="second"), own_scenario.send(10)
    own_scenario.wait_for_messages(of_the_worker, "submitted", 10)
    assert own_scenario.count(campaign, "unprepared") == 10
    assert own_scenario.arrivals(campaign) == {}

    own_scenario.processes.settings = with_both
    own_scenario.processes.all()

    own_scenario.wait_for(campaign, "done")
    own_scenario.assert_each_arrived_once(campaign, 10)
