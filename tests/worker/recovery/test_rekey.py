"""A key that is mended or rotated: what waits for the old one goes on, and nothing is sent twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.keys import IN_USE_MS, Rekeyed
from bsg_sandbox.server import Sandbox
from bsg_worker.reconcile.reconcile import reconcile
from bsg_worker.recovery.rekey import move, note_key, take_over
from bsg_worker.upkeep.stops import stop_at_bsg
from tests.worker.harness import WorkerHarness

MISTYPED, OTHER, ROTATED = "live_mistyped", "live_other", "live_rotated"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def old(redis_url: str, sandbox: Sandbox) -> WorkerHarness:
    """The harness of the key that everything begins with."""
    return WorkerHarness(redis_url, sandbox)


def with_key(harness: WorkerHarness, key: str) -> WorkerHarness:
    new = WorkerHarness(harness.environment["REDIS_URL"], harness.sandbox, BSG_API_KEY=key)
    if key == ROTATED:
        harness.sandbox.put_account(ROTATED, replaces="live_sandbox")
    return new


def old_key_is_gone(harness: WorkerHarness) -> None:
    """Its processes noted it, and ended half a minute ago."""
    note_key(harness.runtime)
    harness.runtime.redis.zincrby("bsg:keys", -IN_USE_MS - 1, harness.runtime.account.id)


def arrivals(harness: WorkerHarness, campaign: str) -> dict[str, int]:
    references = harness.sandbox.record().by_reference
    return {reference: len(ids) for reference, ids in references.items() if reference.startswith(campaign)}


def test_a_campaign_that_waits_while_the_key_is_mistyped_is_sent_once_it_is_mended(old: WorkerHarness) -> None:
    campaign = old.prepared(3)

    assert with_key(old, MISTYPED).dispatch() == "login: invalid key"
    assert old.dispatch() == f"{campaign}-0 submitted: taken"


def test_what_waits_for_a_key_that_nobody_has_any_more_is_sent_under_another_one(old: WorkerHarness) -> None:
    mistyped = with_key(old, MISTYPED)
    campaign = mistyped.prepared(3)
    mistyped.runtime.dispatcher.withdraw(mistyped.posting(campaign), delay_ms=0, cause="test")
    assert old.dispatch() == ""
    old_key_is_gone(mistyped)

    (result,) = move(old.runtime, mistyped.runtime.account.id, by="operator")

    assert (result.campaign_id, result.rekeying.kind) == (campaign, Rekeyed.MOVED)
    assert old.dispatch() == f"{campaign}-0 submitted: taken"
    assert set(arrivals(old, campaign).values()) == {1}


def test_what_bsg_took_for_the_old_key_is_never_looked_up_or_sent_under_another_accounts(old: WorkerHarness) -> None:
    old.sandbox.put_account(OTHER)
    old.sandbox.configure(duplicates="allow")
    campaign = old.prepared(3)
    old.sandbox.fault("cut_after", times=1)
    assert old.dispatch().startswith(f"{campaign}-0 unconfirmed")
    old_key_is_gone(old)
    other = with_key(old, OTHER)
    other.runtime.client.balance()

    take_over(other.runtime)
    (result,) = move(other.runtime, old.runtime.account.id, by="operator")
    reconcile(other.runtime)

    assert result.rekeying.kind is Rekeyed.BEGUN
    assert other.dispatch() == ""
    assert set(arrivals(old, campaign).values()) == {1}


def test_a_rotated_key_goes_on_by_itself_with_what_is_in_doubt(old: WorkerHarness) -> None:
    campaign = old.prepared(3)
    old.sandbox.fault("cut_after", times=1)
    assert old.dispatch().startswith(f"{campaign}-0 unconfirmed")
    old_key_is_gone(old)
    rotated = with_key(old, ROTATED)

    assert take_over(rotated.runtime) == "1 campaigns of an older key"
    rotated.make_due(DueIndex.DOUBT)
    reconcile(rotated.runtime)

    assert rotated.status(campaign).counts["submitted"] == 3
    assert set(arrivals(old, campaign).values()) == {1}
    assert old.runtime.ledger.keys.known().keys() == set()


def test_a_rotated_key_goes_on_with_what_is_submitted_and_what_is_to_be_stopped(
    old: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.sandbox.configure(creation_seconds=0.0, sending_seconds=1e8)
    submitted, cancelled = old.submitted(3), old.submitted(3)
    old.producer.cancel(cancelled)
    old_key_is_gone(old)
    rotated = with_key(old, ROTATED)

    take_over(rotated.runtime)
    rotated.poll_twice(monkeypatch)
    stop_at_bsg(rotated.runtime)

    assert rotated.batch(submitted).bsg_status == "sending"
    assert not rotated.batch(submitted).needs_operator
    assert rotated.runtime.ledger.due_indexes.members(DueIndex.STOPS, account=rotated.runtime.account.id) == []
    assert "stopped at BSG" in {transition.cause for transition in rotated.status(cancelled).transitions}


@pytest.mark.parametrize("key", [OTHER, MISTYPED])
def test_a_key_of_another_account_takes_nothing_over_by_itself(old: WorkerHarness, key: str) -> None:
    old.sandbox.put_account(OTHER)
    campaign = old.prepared(200)
    old.dispatch()
    old_key_is_gone(old)

    assert take_over(with_key(old, key).runtime) == ""
    assert old.status(campaign).account == old.runtime.account.id


def test_without_a_login_that_names_the_account_nothing_is_taken_over(old: WorkerHarness, redis_url: str) -> None:
    campaign = old.submitted(3)
    old_key_is_gone(old)
    old.sandbox.put_account(ROTATED, replaces="live_sandbox")
    by_key = WorkerHarness(redis_url, old.sandbox, BSG_API_KEY=ROTATED, BSG_AUTH="api-key")
    by_key.runtime.client.balance()

    assert take_over(by_key.runtime) == ""
    assert old.status(campaign).account == old.runtime.account.id


def test_nothing_is_taken_over_while_a_process_has_the_old_key(old: WorkerHarness) -> None:
    campaign = old.submitted(3)
    note_key(old.runtime)
    rotated = with_key(old, ROTATED)

    assert take_over(rotated.runtime) == ""
    assert old.status(campaign).account == old.runtime.account.id
