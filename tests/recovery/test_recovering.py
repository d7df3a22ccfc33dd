"""A ledger that went back is recovered: what it would send is looked up before any of it leaves. No Celery here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bsg_client.outcomes import OutcomeKind, ReadFailed
from bsg_config import clock
from bsg_config.settings import Settings
from bsg_ledger.due_indexes import DueIndexes
from bsg_ledger.gate import GateReason
from bsg_ledger.reading import Reading
from bsg_messages.bodies import unpacked
from bsg_producer import Producer
from bsg_sandbox.server import Sandbox
from bsg_worker.prepare.prepare import prepare_next
from bsg_worker.recovery.audit import Audit, Origin, audit
from bsg_worker.recovery.recover import Recovery, record_late, recover
from bsg_worker.runtime import Runtime, build
from bsg_worker.submit.submit import submit_batches

LEASE_SECONDS = 60
QUICK = {
    "bsg_api_key": "live_sandbox",
    "bsg_rate_limit": "1000/s",
    "bsg_rate_burst": "100",
    "bsg_status_rate_limit": "1000/s",
    "bsg_connect_timeout": 5,
    "bsg_read_timeout": 10,
    "bsg_confirm_within": 0.05,
    "lease_seconds": LEASE_SECONDS,
    "campaign_batch_size": 5,
}


@dataclass
class World:
    """A ledger and BSG, and what happened at BSG that the ledger no longer knows."""

    sandbox: Sandbox
    runtime: Runtime
    producer: Producer

    @property
    def reading(self) -> Reading:
        return self.runtime.ledger.reading

    def waiting(self, count: int, **fields: Any) -> str:
        """A campaign whose batches wait."""
        campaign = self.accepted(count, **fields)
        while prepare_next(self.runtime, campaign):
            pass
        return campaign

    def accepted(self, count: int, *, reference_ids: Sequence[str] = (), start: int = 0) -> str:
        messages: list[Mapping[str, Any]] = [
            {"phone": 380_660_000_000 + start + number, "text": f"Your code is {number}"}
            | ({"reference_id": reference_ids[number]} if reference_ids else {})
            for number in range(count)
        ]
        return self.producer.enqueue(messages, sender="MyShop").campaign_id

    def sent_by_nobody_we_know(self, campaign: str, batch: int, *more: Mapping[str, Any]) -> int:
        """BSG takes the batch, and the ledger knows nothing of it; answers the BSG campaign."""
        body = self.reading.body(campaign, batch)
        assert body is not None
        array = json.dumps([*json.loads(unpacked(body, self.runtime.cipher)), *more]).encode()
        outcome = self.runtime.client.send_individual(array, {}, lambda: True)
        assert outcome.kind is OutcomeKind.TAKEN, outcome
        assert outcome.campaign is not None
        return outcome.campaign.id

    def recover(self, tell: Callable[[str], None] = lambda _: None) -> Recovery:
        """Recover a ledger that went back more than a lease ago. Time passes by ageing what is stored."""
        self.runtime.gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="test")
        client, lease_ms = self.runtime.redis, LEASE_SECONDS * 1000
        client.hincrby(f"bsg:account:{self.runtime.account}:gate", "since", -lease_ms)
        for campaign in self.reading.open_campaigns():
            client.hincrby(f"bsg:campaign:{campaign.campaign_id}", "accepted_at", -2 * lease_ms)
        return recover(self.runtime, tell)

    def audit(self) -> Audit:
        now = clock.now()
        return audit(self.runtime, now - timedelta(days=1), now + timedelta(minutes=1))

    def states(self, campaign: str) -> list[str]:
        return [batch.state.value for batch in self.producer.status(campaign).batches]

    def send_all(self, campaign: str) -> None:
        while "submitted" in submit_batches(self.runtime, campaign, ""):
            pass  # others wait, so that each turn is one batch

    def arrivals(self, campaign: str) -> set[int]:
        by_reference = self.sandbox.record().by_reference
        return {len(times) for reference_id, times in by_reference.items() if reference_id.startswith(campaign)}


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    with Sandbox() as sandbox:
        settings = Settings.build(**QUICK, bsg_base_url=sandbox.url, redis_url=redis_url)
        yield World(sandbox, build(settings, slot_timeout=10), Producer(settings))


# Recovering


def test_what_bsg_has_is_submitted_and_the_rest_is_sent_once(world: World) -> None:
    campaign = world.waiting(15)
    bsg_id = world.sent_by_nobody_we_know(campaign, 1)

    recovery = world.recover()
    world.send_all(campaign)

    assert recovery.found == {f"{campaign}-1": bsg_id}
    assert recovery.clean == [f"{campaign}-0", f"{campaign}-2"]
    assert recovery.gate_open
    assert world.states(campaign) == ["submitted"] * 3
    assert world.arrivals(campaign) == {1}


def test_parts_that_were_batches_in_the_lost_ledger_become_the_same_ones_and_are_found(world: World) -> None:
    campaign = world.accepted(5)
    twin = world.waiting(5)
    body = world.reading.body(twin, 0)
    assert body is not None
    rows = json.loads(unpacked(body, world.runtime.cipher))
    array = json.dumps([{**row, "reference_id": row["reference_id"].replace(twin, campaign)} for row in rows]).encode()
    assert world.runtime.client.send_individual(array, {}, lambda: True).kind is OutcomeKind.TAKEN
    world.producer.cancel(twin)

    recovery = world.recover()

    assert list(recovery.found) == [f"{campaign}-0"]
    assert world.states(campaign) == ["submitted"]


def test_nothing_leaves_while_it_is_looked_for(world: World) -> None:
    campaign = world.waiting(5)
    seen: list[str] = []

    def look(_: str) -> None:
        world.send_all(campaign)
        seen.extend(world.states(campaign))

    world.recover(look)

    assert set(seen) == {"pending"}


def test_a_trace_that_does_not_fit_is_a_doubt(world: World) -> None:
    campaign = world.waiting(5)
    world.sent_by_nobody_we_know(campaign, 0, {"phone": 380_670_000_000, "sender": "MyShop", "text": "One more"})
    world.sandbox.advance(5)

    recovery = world.recover()

    assert list(recovery.doubtful) == [f"{campaign}-0"]
    assert world.states(campaign) == ["unconfirmed"]
    assert recovery.gate_open


def test_messages_that_bsg_does_not_show_yet_are_a_doubt(world: World) -> None:
    campaign = world.waiting(5)
    world.sent_by_nobody_we_know(campaign, 0)
    world.sandbox.fault("late_visibility", seconds=3600)

    recovery = world.recover()

    assert list(recovery.doubtful) == [f"{campaign}-0"]


def test_a_callers_ids_that_an_older_campaign_has_are_no_proof_of_having_been_sent(world: World) -> None:
    older = world.waiting(5, reference_ids=[f"order{number}" for number in range(5)])
    world.send_all(older)
    campaign = world.waiting(5, reference_ids=[f"order{number}" for number in range(5)])

    recovery = world.recover()

    assert recovery.found == {}
    assert recovery.doubtful == {f"{campaign}-0": "reference ids used before"}


def test_a_callers_ids_in_an_older_campaign_that_nobody_knows_are_no_proof_either(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [f"order{number}" for number in range(5)]
    lost = world.waiting(5, reference_ids=ids)
    world.sent_by_nobody_we_know(lost, 0)
    world.producer.cancel(lost)
    campaign = world.waiting(5, reference_ids=ids)
    real_now, days_ms, lease_ms = world.runtime.ledger.due_indexes.now_ms, 2 * 86_400_000, LEASE_SECONDS * 1000
    later = real_now() + days_ms
    world.runtime.gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="test")
    world.runtime.redis.hset(f"bsg:account:{world.runtime.account}:gate", "since", later - lease_ms)
    world.runtime.redis.hset(f"bsg:campaign:{campaign}", "accepted_at", later - 2 * lease_ms)
    monkeypatch.setattr(DueIndexes, "now_ms", lambda _: real_now() + days_ms)

    recovery = recover(world.runtime, lambda _: None)

    assert recovery.found == {}
    assert recovery.doubtful == {f"{campaign}-0": "reference ids used before"}


def test_a_callers_ids_that_were_sent_since_the_campaign_was_accepted_are_found(world: World) -> None:
    campaign = world.waiting(5, reference_ids=[f"order{number}" for number in range(5)])
    bsg_id = world.sent_by_nobody_we_know(campaign, 0)

    assert world.recover().found == {f"{campaign}-0": bsg_id}


def test_a_ledger_is_recovered_behind_a_shut_gate_though_nobody_noticed(world: World) -> None:
    campaign = world.accepted(5)
    world.runtime.redis.hincrby(f"bsg:campaign:{campaign}", "accepted_at", -2 * LEASE_SECONDS * 1000)
    reasons: list[str] = []

    class Enough(Exception):
        pass

    def look(_: str) -> None:
        reasons.append(world.producer.gate().reason)
        raise Enough

    with pytest.raises(Enough):
        recover(world.runtime, look)

    assert reasons == [GateReason.LEDGER_WENT_BACK]


def test_what_left_before_the_gate_was_shut_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.waiting(5)
    told: list[str] = []
    slept: list[float] = []
    real_now = world.runtime.ledger.due_indexes.now_ms
    monkeypatch.setattr(clock, "sleep", slept.append)
    # Each sleep lasts for a whole lease.
    monkeypatch.setattr(DueIndexes, "now_ms", lambda _: real_now() + len(slept) * LEASE_SECONDS * 1000)

    recover(world.runtime, told.append)

    assert any("may still be on the wire" in line for line in told[:2])
    assert told.index("first look: batch 1 of 1") > 0


def test_what_only_the_second_look_shows_is_found(world: World) -> None:
    campaign = world.waiting(5)
    found: list[int] = []

    def arrives_late(told: str) -> None:
        if told.startswith("waiting"):
            found.append(world.sent_by_nobody_we_know(campaign, 0))

    assert world.recover(arrives_late).found == {f"{campaign}-0": found[0]}


def test_a_gate_that_an_operator_shut_stays_shut(world: World) -> None:
    world.producer.shut_gate()

    assert not world.recover().gate_open
    assert world.producer.gate().reason == GateReason.OPERATOR


def test_a_bsg_that_does_not_answer_leaves_the_gate_shut(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.waiting(5)
    world.sandbox.fault("server_error_before", path="/api/messages", method="GET")
    monkeypatch.setattr("bsg_worker.recovery.recover.PAUSES_AFTER_FAILURES", (0.0, 0.0, 0.0))

    with pytest.raises(ReadFailed):
        world.recover()

    assert world.producer.gate().reason == GateReason.LEDGER_WENT_BACK
    asked = [request for request in world.sandbox.requests() if request.path == "/api/messages"]
    assert len(asked) == 4


def test_what_bsg_has_of_a_batch_that_has_expired_since_is_recorded_lest_it_be_retried(world: World) -> None:
    campaign = world.waiting(10)
    bsg_id = world.sent_by_nobody_we_know(campaign, 1)
    world.runtime.redis.hset(f"bsg:campaign:{campaign}", "deadline", 1)
    world.runtime.ledger.campaigns.expire(campaign)

    late = record_late(world.runtime, world.audit())

    assert late == {f"{campaign}-1": bsg_id}
    assert world.states(campaign) == ["expired", "submitted"]
    assert not world.audit().lacking


# Auditing


def test_an_audit_of_what_agrees_names_nothing(world: World) -> None:
    campaign = world.waiting(5)
    world.send_all(campaign)

    compared = world.audit()

    assert (compared.at_bsg, compared.orphans, compared.not_at_bsg, compared.waiting) == (1, (), (), ())
    assert not compared.lacking


def test_an_audit_names_what_bsg_has_and_the_ledger_does_not_with_whose_it_is(world: World) -> None:
    campaign = world.waiting(10)
    of_a_batch = world.sent_by_nobody_we_know(campaign, 1)
    lost = world.waiting(5)
    of_a_lost_campaign = world.sent_by_nobody_we_know(lost, 0)
    theirs = world.waiting(5, reference_ids=[f"order{number}" for number in range(5)])
    of_a_caller = world.sent_by_nobody_we_know(theirs, 0)
    world.runtime.redis.delete(f"bsg:campaign:{lost}")

    orphans = {one.bsg_campaign_id: one for one in world.audit().orphans}

    assert orphans[of_a_batch].origins == (Origin(campaign, True, (f"{campaign}-1",)),)
    assert orphans[of_a_lost_campaign].origins == (Origin(lost, False, ()),)
    assert (orphans[of_a_caller].origins, orphans[of_a_caller].other_ids) == ((), 5)
    assert orphans[of_a_caller].messages == 5


def test_an_audit_names_what_the_ledger_has_as_taken_and_bsg_does_not_show(world: World) -> None:
    campaign = world.waiting(5)
    world.runtime.ledger.batches.taken(
        campaign,
        0,
        account=world.runtime.account,
        bsg_campaign_id=4711,
        bsg_status="creation",
        next_poll_ms=0,
        cause="taken",
    )

    compared = world.audit()

    assert [(one.batch_id, one.bsg_campaign_id) for one in compared.not_at_bsg] == [(f"{campaign}-0", 4711)]
    assert compared.lacking


def test_an_audit_names_what_waits(world: World) -> None:
    campaign = world.waiting(5)

    assert [(one.batch_id, one.state) for one in world.audit().waiting] == [(f"{campaign}-0", "pending")]


def test_an_audit_of_another_period_leaves_out_what_is_not_of_it(world: World) -> None:
    campaign = world.waiting(5)
    world.sent_by_nobody_we_know(campaign, 0)
    now = clock.now()

    assert audit(world.runtime, now - timedelta(days=92), now - timedelta(hours=1)).at_bsg == 0
