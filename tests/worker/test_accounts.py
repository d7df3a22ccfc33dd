"""One process works for several accounts, and keeps them apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bsg_broker.queues import dispatch_queue
from bsg_config.settings import Settings
from bsg_config.settings_invalid import SettingsInvalid
from bsg_ledger.gate import GateReason
from bsg_ledger.work import Prepare
from bsg_sandbox.server import Sandbox
from bsg_worker.accounts import Accounts
from bsg_worker.runtime import Runtime
from bsg_worker.submit.dispatch import dispatch_work
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
    return [runtime.account.name for runtime in accounts]


def test_each_campaign_is_sent_by_its_own_account(two: WorkerHarness) -> None:
    accounts = accounts_of(two)
    campaigns = {name: enqueued(two, name) for name in ("second", "default")}

    for name in campaigns:
        dispatch_work(accounts.of_name(name))

    for runtime in accounts:
        status = two.status(campaigns[runtime.account.name])
        assert status.account == runtime.account.id
        assert [batch.bsg_campaign_id for batch in status.batches] == [
            row.id for row in runtime.client.campaigns(status.accepted_at, status.deadline)
        ]


def test_no_other_account_sends_a_campaign_that_no_account_is_assigned_to_yet(two: WorkerHarness) -> None:
    default, second = accounts_of(two)
    campaign = enqueued(two, "second")
    two.runtime.redis.delete(dispatch_queue("second"))

    assert dispatch_work(default) == ""
    sweep(default)

    assert two.queue_length(dispatch_queue("default")) == 0
    assert two.sandbox.record().by_reference == {}
    assert dispatch_work(second).endswith(f"{campaign}-0 submitted: taken")


def test_a_campaign_for_an_account_without_a_key_here_waits(two: WorkerHarness, redis_url: str) -> None:
    elsewhere = WorkerHarness(redis_url, two.sandbox)
    campaign = enqueued(two, "second")
    alone = accounts_of(elsewhere)

    assert [dispatch_work(runtime) for runtime in alone] == [""]
    assert two.status(campaign).state == "accepted"
    with pytest.raises(LookupError, match="no key of the account second is set here"):
        alone.of_name("second")


def test_the_account_that_a_campaign_is_assigned_to_sends_it_even_when_names_change(two: WorkerHarness) -> None:
    campaign = enqueued(two, "second", 200)
    _, second = accounts_of(two)
    assert isinstance(second.dispatcher.next("token"), Prepare)
    renamed = Accounts.of(
        Settings.from_environment({**two.environment, "BSG_API_KEY__SECOND": "", "BSG_API_KEY__OTHER": "live_second"})
    )

    assert f"{campaign}-0 submitted: taken" in dispatch_work(renamed.of_name("other"))


def test_what_fails_for_one_account_is_done_for_the_others_and_reported(two: WorkerHarness) -> None:
    accounts = accounts_of(two)
    asked: list[str] = []

    def verb(runtime: Runtime) -> str:
        asked.append(runtime.account.name)
        if runtime is accounts.first:
            raise ValueError("the first")
        return "done"

    with pytest.raises(ValueError, match="the first"):
        accounts.each(verb)

    assert sorted(asked) == ["default", "second"]


def test_outcomes_are_reported_by_account_where_there_are_several(two: WorkerHarness, redis_url: str) -> None:
    assert accounts_of(two).each(lambda _: "looked") == "default: looked; second: looked"
    assert accounts_of(WorkerHarness(redis_url, two.sandbox)).each(lambda _: "looked") == "looked"


def test_requests_that_wait_for_one_accounts_limit_leave_another_its_own(two: WorkerHarness) -> None:
    default, second = accounts_of(two)
    enqueued(two, "second")
    while default.permits.acquire(blocking=False):
        pass

    assert "submitted: taken" in dispatch_work(second)


def test_what_one_account_saw_of_the_ledger_keeps_every_account_from_sending_once_it_went_back(
    two: WorkerHarness,
) -> None:
    two.sandbox.configure(duplicates="allow")
    ours, another_process = accounts_of(two), accounts_of(two)
    lost, seen = enqueued(two, "second"), enqueued(two, "default")
    for campaign in (lost, seen):
        two.prepare(campaign)
    check_once(ours.first)
    ledger_harness = LedgerHarness(two.runtime.redis)
    copy = copied(ledger_harness)
    dispatch_work(another_process.of_name("second"))
    dispatch_work(ours.of_name("default"))
    restore(ledger_harness, copy)

    dispatch_work(ours.of_name("second"))

    assert [runtime.gate.state().reason for runtime in ours] == [GateReason.LEDGER_WENT_BACK] * 2
    arrived = two.sandbox.record().by_reference
    assert {len(campaigns) for reference, campaigns in arrived.items() if reference.startswith(lost)} == {1}


def test_a_process_without_any_key_says_so() -> None:
    with pytest.raises(SettingsInvalid, match="BSG_API_KEY"):
        Accounts.of(Settings.build(redis_url="redis://localhost"))


def test_a_process_with_the_named_key_alone_serves_that_account(redis_url: str, two: WorkerHarness) -> None:
    accounts = Accounts.of(Settings.from_environment({**two.environment, "BSG_API_KEY": ""}))
    assert names(accounts) == ["second"]
