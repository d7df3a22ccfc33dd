"""A balance that does not cover what is queued is reported before BSG pauses anything."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

import pytest

from bsg_cli.diagnosis.account import look_at_accounts
from bsg_cli.diagnosis.findings import Finding, Level
from bsg_config import clock
from bsg_ledger.funds import noted_funds, queued_cost
from bsg_monitor.metrics import CampaignMetrics
from bsg_monitor.observer import Observer
from bsg_sandbox.server import Sandbox
from bsg_worker.upkeep import funds_watch
from bsg_worker.upkeep.funds_watch import READ_SECONDS, watch_funds
from tests.worker.harness import WorkerHarness

KEY = "live_sandbox"


@pytest.fixture(autouse=True)
def never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(funds_watch, "_read_at", {})


@pytest.fixture
def harness(redis_url: str) -> Iterator[WorkerHarness]:
    """One message has cost 0.5, and three more wait."""
    with Sandbox(price_per_segment=0.5) as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        harness.submitted(1)
        harness.prepared(3)
        yield harness


def balance(harness: WorkerHarness) -> Finding:
    return next(
        one for one in look_at_accounts(harness.runtime.redis, harness.settings) if "accepts the key" in one.message
    )


def metrics(harness: WorkerHarness) -> dict[str, float]:
    found = CampaignMetrics(Observer(harness.settings).figures).collect()
    wanted = ("bsg_funds", "bsg_queued_cost")
    return {family.name: family.samples[0].value for family in found if family.name in wanted and family.samples}


def test_a_balance_that_does_not_cover_what_is_queued_is_reported(harness: WorkerHarness) -> None:
    harness.sandbox.put_account(KEY, balance=1.0)

    assert watch_funds(harness.runtime) == "the balance does not cover what is queued"

    assert metrics(harness) == {"bsg_funds": 1.0, "bsg_queued_cost": 1.5}
    finding = balance(harness)
    assert (finding.level, "about 1.50 by the prices seen" in finding.message) == (Level.WARNING, True)


def test_a_balance_that_covers_it_is_none(harness: WorkerHarness) -> None:
    harness.sandbox.put_account(KEY, balance=1.0, credit=0.5)

    assert watch_funds(harness.runtime) == ""

    funds = noted_funds(harness.runtime.redis, harness.runtime.account.id)
    assert funds is not None
    assert (funds.available, funds.queued_cost) == (Decimal("1.5"), Decimal("1.5"))
    assert balance(harness).level is Level.OK


def test_the_balance_is_read_every_five_minutes_and_not_more_often(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.monotonic()
    reads = []
    for later in (0.0, READ_SECONDS - 1, READ_SECONDS + 1):
        monkeypatch.setattr(clock, "monotonic", lambda later=later: now + later)
        watch_funds(harness.runtime)
        reads.append(sum(seen.path == "/api/accounts/balance" for seen in harness.sandbox.requests()))

    assert reads == [1, 1, 2]


def test_without_any_price_nothing_is_asked_or_reported(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox)
        harness.prepared(3)

        assert watch_funds(harness.runtime) == ""

        assert queued_cost(harness.runtime.redis, harness.runtime.account.id, harness.settings.account.name) is None
        assert not any(seen.path == "/api/accounts/balance" for seen in sandbox.requests())
        assert all(map(math.isnan, metrics(harness).values()))


def test_a_balance_that_cannot_be_read_ends_no_pass(harness: WorkerHarness) -> None:
    harness.sandbox.fault("server_error_before", method="GET", path="/api/accounts/balance", times=1)

    assert watch_funds(harness.runtime) == ""


def test_what_waits_for_another_account_costs_this_one_nothing(harness: WorkerHarness) -> None:
    harness.runtime.redis.hset(f"bsg:campaign:{next(harness.producer.campaigns()).campaign_id}", "account", "another")

    cost = queued_cost(harness.runtime.redis, harness.runtime.account.id, harness.settings.account.name)

    assert cost == 0
