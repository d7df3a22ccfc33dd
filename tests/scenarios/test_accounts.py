"""Several accounts at BSG in the same workers."""

from __future__ import annotations

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.settings import Settings
from bsg_producer import Producer
from bsg_worker.runtime import build
from tests.scenarios.conftest import SECOND
from tests.scenarios.stage import Stage


def at_bsg(stage: Stage, account: str, campaign: str) -> list[int]:
    """The campaigns that BSG shows to the account of that name, of those that are this campaign's batches."""
    status = stage.status(campaign)
    listed = build(Settings.from_environment(stage.processes.settings).of_account(account)).client.campaigns(
        status.accepted_at, status.deadline
    )
    own = {batch.bsg_campaign_id for batch in status.batches}
    return [answer.id for answer in listed if answer.id in own]


def test_each_account_sends_its_own_campaigns_and_reads_their_statuses(stage: Stage) -> None:
    campaigns = {account: stage.send(250, account=account) for account in (DEFAULT_ACCOUNT, "second")}

    for account, campaign in campaigns.items():
        stage.wait_for(campaign, "done")
        stage.assert_each_arrived_once(campaign, 250)
        others = {DEFAULT_ACCOUNT: "second", "second": DEFAULT_ACCOUNT}
        assert len(at_bsg(stage, account, campaign)) == 3
        assert at_bsg(stage, others[account], campaign) == []


def test_a_gate_holds_its_own_account_alone(stage: Stage) -> None:
    stage.producer.shut_gate(account="second")
    try:
        held, free = stage.send(10, account="second"), stage.send(10)
        stage.wait_for(free, "done")
        stage.wait_for_messages(held, "pending", 10)
    finally:
        stage.producer.open_gate(account="second")
    stage.wait_for(held, "done")
    stage.assert_each_arrived_once(held, 10)


def test_an_account_that_bsg_blocks_holds_up_no_other(stage: Stage) -> None:
    stage.sandbox.put_account(SECOND, blocked=True)
    try:
        held, free = stage.send(10, account="second"), stage.send(10)
        stage.wait_for(free, "done")
        stage.wait_for_messages(held, "pending", 10)
        assert stage.producer.gate().open
    finally:
        stage.sandbox.put_account(SECOND, blocked=False)
        stage.producer.open_gate(account="second")
    stage.wait_for(held, "done")
    stage.assert_each_arrived_once(held, 10)


def test_a_campaign_waits_for_a_worker_with_its_accounts_key(own_stage: Stage) -> None:
    own_stage.sandbox.put_account(SECOND)
    with_both = {**own_stage.processes.settings, "BSG_API_KEY__SECOND": SECOND}
    own_stage.producer = Producer(Settings.from_environment(with_both))
    own_stage.processes.worker()
    campaign, of_the_worker = own_stage.send(10, account="second"), own_stage.send(10)
    own_stage.wait_for_messages(of_the_worker, "submitted", 10)
    own_stage.wait_for_messages(campaign, "pending", 10)
    assert own_stage.arrivals(campaign) == {}

    own_stage.processes.settings = with_both
    own_stage.processes.all()

    own_stage.wait_for(campaign, "done")
    own_stage.assert_each_arrived_once(campaign, 10)
