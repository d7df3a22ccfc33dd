"""One process works for several accounts, and keeps them apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bsg_config.settings import Settings, SettingsInvalid
from bsg_ledger.batches import BatchLease
from bsg_ledger.gate import GateReason
from bsg_ledger.parts import NothingDue
from bsg_sandbox.server import Sandbox
from bsg_worker.accounts import Accounts
from bsg_worker.prepare.prepare import prepare_next, prepare_then_submit
from bsg_worker.runtime import Runtime
from bsg_worker.submit.submit import submit_batches
from bsg_worker.upkeep.sweep import sweep
from bsg_worker.watch import check_once
from tests.ledger.campaigns import LedgerHarness
from tests.ledger.test_going_back import copied, restore
from tests.scenarios.environment import messages
from tests.worker.harness import WorkerHarness

SECOND = {"BSG_API_KEY__SECOND": "live_second"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def two(redis_url: str, sandbox: Sandbox) -> WorkerHarness:
    sandbox.put_account("live_second")
    return WorkerHarness(redis_url, sandbox, **SECOND)


def accounts_of(harness: WorkerHarness) -> Accounts:
    return Accounts.of(harness.settings)


def enqueued(harness: WorkerHarness, account: str, count: int = 3) -> str:
    return harness.producer.enqueue(messages(count), sender="MyShop", account=account).campaign_id


def names(accounts: Accounts) -> list[str]:
    return [runtime.settings.account_name for runtime in accounts]


def test_each_campaign_is_sent_by_its_own_account(two: WorkerHarness) -> None:
    accounts = accounts_of(two)
    campaigns = {name: enqueued(two, name) for name in ("second", "default")}

    for campaign in campaigns.values():
        prepare_then_submit(accounts.of_campaign(campaign), campaign)

    for runtime in accounts:
        status = two.status(campaigns[runtime.settings.account_name])
        assert status.account == runtime.account
        assert [batch.bsg_campaign_id for batch in status.batches] == [
            row.id for row in runtime.client.campaigns(status.accepted_at, status.deadline)
        ]


def test_no_other_account_claims_a_campaign_that_nobody_has_claimed_yet(two: WorkerHarness) -> None:
    default, second = accounts_of(two)
    campaign = enqueued(two, "second")

    assert prepare_then_submit(default, campaign) == "prepared; not now: foreign"
    sweep(default)

    assert two.runtime.queue_length("submit.normal") == 0
    assert two.sandbox.record().by_reference == {}
    assert submit_batches(second, campaign, "").startswith("submitted")


def test_a_campaign_for_an_account_without_a_key_here_is_prepared_and_waits(two: WorkerHarness, redis_url: str) -> None:
    foreign = WorkerHarness(redis_url, two.sandbox)
    campaign = enqueued(two, "second")
    alone = accounts_of(foreign)

    assert prepare_then_submit(alone.of_campaign(campaign), campaign) == "prepared; not now: foreign"
    assert two.status(campaign).counts["pending"] == 3


def test_the_first_claim_decides_even_when_names_change(two: WorkerHarness) -> None:
    campaign = enqueued(two, "second", 200)
    two.prepare_and_submit(campaign)
    second = accounts_of(two).of_campaign(campaign)
    lease = second.ledger.batches.claim(
        campaign, bell="", account=second.account, account_name="second", token="t", lease_ms=1
    )
    assert isinstance(lease, BatchLease | NothingDue)
    renamed = Accounts.of(
        Settings.from_environment({**two.environment, "BSG_API_KEY__SECOND": "", "BSG_API_KEY__OTHER": "live_second"})
    )

    assert renamed.of_campaign(campaign).settings.account_name == "other"


def test_what_fails_for_one_account_is_done_for_the_others_and_told(two: WorkerHarness) -> None:
    accounts = accounts_of(two)
    asked: list[str] = []

    def verb(runtime: Runtime) -> str:
        asked.append(runtime.settings.account_name)
        if runtime is accounts.first:
            raise ValueError("the first")
        return "done"

    with pytest.raises(ValueError, match="the first"):
        accounts.each(verb)

    assert sorted(asked) == ["default", "second"]


def test_outcomes_are_told_by_account_where_there_are_several(two: WorkerHarness, redis_url: str) -> None:
    assert accounts_of(two).each(lambda _: "looked") == "default: looked; second: looked"
    assert accounts_of(WorkerHarness(redis_url, two.sandbox)).each(lambda _: "looked") == "looked"


def test_requests_that_wait_for_one_accounts_limit_leave_another_its_own(two: WorkerHarness) -> None:
    default, second = accounts_of(two)
    campaign = enqueued(two, "second")
    while default.permits.acquire(blocking=False):
        pass

    assert "submitted: taken" in prepare_then_submit(second, campaign)


def test_what_one_account_saw_of_the_ledger_keeps_every_account_from_sending_once_it_went_back(
    two: WorkerHarness,
) -> None:
    two.sandbox.configure(duplicates="allow")
    ours, another_process = accounts_of(two), accounts_of(two)
    lost, seen = enqueued(two, "second"), enqueued(two, "default")
    for campaign in (lost, seen):
        while prepare_next(ours.first, campaign):
            pass
    check_once(ours.first)
    ledger_harness = LedgerHarness(two.runtime.redis)
    copy = copied(ledger_harness)
    submit_batches(another_process.of_campaign(lost), lost, "")
    submit_batches(ours.of_campaign(seen), seen, "")
    restore(ledger_harness, copy)

    submit_batches(ours.of_campaign(lost), lost, "")

    assert [runtime.gate.state().reason for runtime in ours] == [GateReason.LEDGER_WENT_BACK] * 2
    arrived = two.sandbox.record().by_reference
    assert {len(campaigns) for reference, campaigns in arrived.items() if reference.startswith(lost)} == {1}


def test_a_process_without_any_key_says_so() -> None:
    with pytest.raises(SettingsInvalid, match="BSG_API_KEY"):
        Accounts.of(Settings.build(redis_url="redis://localhost"))


def test_a_process_with_the_named_key_alone_serves_that_account(redis_url: str, two: WorkerHarness) -> None:
    accounts = Accounts.of(Settings.from_environment({**two.environment, "BSG_API_KEY": ""}))
    assert names(accounts) == ["second"]
