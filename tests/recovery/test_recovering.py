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
from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndexes
from bsg_ledger.gate import GateReason
from bsg_ledger.reading import Reading
from bsg_messages.bodies import unpacked
from bsg_producer import MessageReceipt, Producer
from bsg_sandbox.server import Sandbox
from bsg_worker.recovery.audit import Audit, Origin, audit
from bsg_worker.recovery.recover import Recovery, record_late, recover
from bsg_worker.runtime import Runtime, build
from bsg_worker.submit.dispatch import dispatch_work
from tests.worker.harness import prepare_next

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
class RecoveryHarness:
    """A ledger and BSG, and what happened at BSG that the ledger no longer knows."""

    sandbox: Sandbox
    runtime: Runtime
    producer: Producer

    @property
    def reading(self) -> Reading:
        return self.runtime.ledger.reading

    def waiting(self, count: int, **fields: Any) -> str:
        """Return a campaign whose batches wait."""
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
        """BSG takes the batch, and the ledger knows nothing of it; return the BSG campaign."""
        body = self.reading.body(BatchId.of(campaign, batch))
        assert body is not None
        array = json.dumps([*json.loads(unpacked(body, campaign, self.runtime.cipher)), *more]).encode()
        outcome = self.runtime.client.send_individual(array, {}, lambda: True)
        assert outcome.kind is OutcomeKind.TAKEN, outcome
        assert outcome.campaign is not None
        return outcome.campaign.id

    def recover(self, report: Callable[[str], None] = lambda _: None) -> Recovery:
        """Recover a ledger that went back more than a lease ago. Time passes by ageing what is stored."""
        self.runtime.gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="test")
        client, lease_ms = self.runtime.redis, LEASE_SECONDS * 1000
        client.hincrby(f"bsg:account:{self.runtime.account.id}:gate", "since", -lease_ms)
        for campaign in self.reading.open_campaigns():
            client.hincrby(f"bsg:campaign:{campaign.campaign_id}", "accepted_at", -2 * lease_ms)
        return recover(self.runtime, report)

    def audit(self) -> Audit:
        now = clock.now()
        return audit(self.runtime, now - timedelta(days=1), now + timedelta(minutes=1))

    def states(self, campaign: str) -> list[str]:
        return [batch.state.value for batch in self.producer.status(campaign).batches]

    def send_all(self, campaign: str) -> None:
        while "submitted" in dispatch_work(self.runtime):
            pass

    def arrivals(self, campaign: str) -> set[int]:
        by_reference = self.sandbox.record().by_reference
        return {len(times) for reference_id, times in by_reference.items() if reference_id.startswith(campaign)}


@pytest.fixture
def harness(redis_url: str) -> Iterator[RecoveryHarness]:
    with Sandbox() as sandbox:
        settings = Settings.build(**QUICK, bsg_base_url=sandbox.url, redis_url=redis_url)
        yield RecoveryHarness(sandbox, build(settings, slot_timeout=10), Producer(settings))


# Recovering


def test_messages_that_a_stream_takes_up_meanwhile_are_not_waited_for(harness: RecoveryHarness) -> None:
    stream = harness.producer.stream("codes", sender="MyShop")
    before = stream.send({"phone": 380_660_000_000, "text": "Your code is 1"})
    meanwhile: list[MessageReceipt] = []

    def accept(_: str) -> None:
        if len(meanwhile) < 10:
            message = {"phone": 380_660_000_001, "text": "Your code is 2"}  # one phone: a batch for each
            meanwhile.append(stream.send(message))

    recovery = harness.recover(accept)
    harness.send_all("")

    batch = harness.producer.message(before.message_id).batch
    assert recovery.clean == [batch]
    assert meanwhile
    assert {harness.producer.message(one.message_id).state for one in (before, *meanwhile)} == {"submitted"}


def test_what_bsg_has_is_submitted_and_the_rest_is_sent_once(harness: RecoveryHarness) -> None:
    campaign = harness.waiting(15)
    bsg_id = harness.sent_by_nobody_we_know(campaign, 1)

    recovery = harness.recover()
    harness.send_all(campaign)

    assert recovery.found == {f"{campaign}-1": bsg_id}
    assert recovery.clean == [f"{campaign}-0", f"{campaign}-2"]
    assert recovery.gate_open
    assert harness.states(campaign) == ["submitted"] * 3
    assert harness.arrivals(campaign) == {1}


def test_chunks_that_were_batches_in_the_lost_ledger_become_the_same_ones_and_are_found(
    harness: RecoveryHarness,
) -> None:
    campaign = harness.accepted(5)
    twin = harness.waiting(5)
    body = harness.reading.body(BatchId.of(twin, 0))
    assert body is not None
    rows = json.loads(unpacked(body, twin, harness.runtime.cipher))
    array = json.dumps([{**row, "reference_id": row["reference_id"].replace(twin, campaign)} for row in rows]).encode()
    assert harness.runtime.client.send_individual(array, {}, lambda: True).kind is OutcomeKind.TAKEN
    harness.producer.cancel(twin)

    recovery = harness.recover()

    assert list(recovery.found) == [f"{campaign}-0"]
    assert harness.states(campaign) == ["submitted"]


def test_nothing_leaves_while_it_is_looked_for(harness: RecoveryHarness) -> None:
    campaign = harness.waiting(5)
    seen: list[str] = []

    def look(_: str) -> None:
        harness.send_all(campaign)
        seen.extend(harness.states(campaign))

    harness.recover(look)

    assert set(seen) == {"pending"}


def test_a_trace_that_does_not_fit_is_a_doubt(harness: RecoveryHarness) -> None:
    campaign = harness.waiting(5)
    harness.sent_by_nobody_we_know(campaign, 0, {"phone": 380_670_000_000, "sender": "MyShop", "text": "One more"})
    harness.sandbox.advance(5)

    recovery = harness.recover()

    assert list(recovery.doubtful) == [f"{campaign}-0"]
    assert harness.states(campaign) == ["unconfirmed"]
    assert recovery.gate_open


def test_messages_that_bsg_does_not_show_yet_are_a_doubt(harness: RecoveryHarness) -> None:
    campaign = harness.waiting(5)
    harness.sent_by_nobody_we_know(campaign, 0)
    harness.sandbox.fault("late_visibility", seconds=3600)

    recovery = harness.recover()

    assert list(recovery.doubtful) == [f"{campaign}-0"]


def test_a_callers_ids_that_an_older_campaign_has_are_no_proof_of_having_been_sent(harness: RecoveryHarness) -> None:
    older = harness.waiting(5, reference_ids=[f"order{number}" for number in range(5)])
    harness.send_all(older)
    campaign = harness.waiting(5, reference_ids=[f"order{number}" for number in range(5)])

    recovery = harness.recover()

    assert recovery.found == {}
    assert recovery.doubtful == {f"{campaign}-0": "reference ids used before"}


def test_a_callers_ids_in_an_older_campaign_that_nobody_knows_are_no_proof_either(
    harness: RecoveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [f"order{number}" for number in range(5)]
    lost = harness.waiting(5, reference_ids=ids)
    harness.sent_by_nobody_we_know(lost, 0)
    harness.producer.cancel(lost)
    campaign = harness.waiting(5, reference_ids=ids)
    real_now, days_ms, lease_ms = harness.runtime.ledger.due_indexes.now_ms, 2 * 86_400_000, LEASE_SECONDS * 1000
    later = real_now() + days_ms
    harness.runtime.gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="test")
    harness.runtime.redis.hset(f"bsg:account:{harness.runtime.account.id}:gate", "since", later - lease_ms)
    harness.runtime.redis.hset(f"bsg:campaign:{campaign}", "accepted_at", later - 2 * lease_ms)
    monkeypatch.setattr(DueIndexes, "now_ms", lambda _: real_now() + days_ms)

    recovery = recover(harness.runtime, lambda _: None)

    assert recovery.found == {}
    assert recovery.doubtful == {f"{campaign}-0": "reference ids used before"}


def test_a_callers_ids_that_were_sent_since_the_campaign_was_accepted_are_found(harness: RecoveryHarness) -> None:
    campaign = harness.waiting(5, reference_ids=[f"order{number}" for number in range(5)])
    bsg_id = harness.sent_by_nobody_we_know(campaign, 0)

    assert harness.recover().found == {f"{campaign}-0": bsg_id}


def test_a_ledger_is_recovered_behind_a_shut_gate_though_nobody_noticed(harness: RecoveryHarness) -> None:
    campaign = harness.accepted(5)
    harness.runtime.redis.hincrby(f"bsg:campaign:{campaign}", "accepted_at", -2 * LEASE_SECONDS * 1000)
    reasons: list[str] = []

    class Enough(Exception):
        pass

    def look(_: str) -> None:
        reasons.append(harness.producer.gate().reason)
        raise Enough

    with pytest.raises(Enough):
        recover(harness.runtime, look)

    assert reasons == [GateReason.LEDGER_WENT_BACK]


def test_what_left_before_the_gate_was_shut_is_waited_for(
    harness: RecoveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.waiting(5)
    reported: list[str] = []
    slept: list[float] = []
    real_now = harness.runtime.ledger.due_indexes.now_ms
    monkeypatch.setattr(clock, "sleep", slept.append)
    # Each sleep lasts for a whole lease.
    monkeypatch.setattr(DueIndexes, "now_ms", lambda _: real_now() + len(slept) * LEASE_SECONDS * 1000)

    recover(harness.runtime, reported.append)

    assert any("may still be on the wire" in line for line in reported[:2])
    assert reported.index("first look: batch 1 of 1") > 0


def test_what_only_the_second_look_shows_is_found(harness: RecoveryHarness) -> None:
    campaign = harness.waiting(5)
    found: list[int] = []

    def arrives_late(line: str) -> None:
        if line.startswith("waiting"):
            found.append(harness.sent_by_nobody_we_know(campaign, 0))

    assert harness.recover(arrives_late).found == {f"{campaign}-0": found[0]}


def test_a_gate_that_an_operator_shut_stays_shut(harness: RecoveryHarness) -> None:
    harness.producer.shut_gate()

    assert not harness.recover().gate_open
    assert harness.producer.gate().reason == GateReason.OPERATOR


def test_a_bsg_that_does_not_respond_leaves_the_gate_shut(
    harness: RecoveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.waiting(5)
    harness.sandbox.fault("server_error_before", path="/api/messages", method="GET")
    monkeypatch.setattr("bsg_worker.recovery.recover.PAUSES_AFTER_FAILURES", (0.0, 0.0, 0.0))

    with pytest.raises(ReadFailed):
        harness.recover()

    assert harness.producer.gate().reason == GateReason.LEDGER_WENT_BACK
    asked = [request for request in harness.sandbox.requests() if request.path == "/api/messages"]
    assert len(asked) == 4


def test_what_bsg_has_of_a_batch_that_has_expired_since_is_recorded_lest_it_be_retried(
    harness: RecoveryHarness,
) -> None:
    campaign = harness.waiting(10)
    bsg_id = harness.sent_by_nobody_we_know(campaign, 1)
    harness.runtime.redis.hset(f"bsg:campaign:{campaign}", "deadline", 1)
    harness.runtime.ledger.campaigns.expire(campaign)

    late = record_late(harness.runtime, harness.audit())

    assert late == {f"{campaign}-1": bsg_id}
    assert harness.states(campaign) == ["expired", "submitted"]
    assert not harness.audit().lacking


# Auditing


def test_an_audit_of_what_agrees_names_nothing(harness: RecoveryHarness) -> None:
    campaign = harness.waiting(5)
    harness.send_all(campaign)

    compared = harness.audit()

    assert (compared.at_bsg, compared.orphans, compared.not_at_bsg, compared.waiting) == (1, (), (), ())
    assert not compared.lacking


def test_an_audit_names_what_bsg_has_and_the_ledger_does_not_with_whose_it_is(harness: RecoveryHarness) -> None:
    campaign = harness.waiting(10)
    of_a_batch = harness.sent_by_nobody_we_know(campaign, 1)
    lost = harness.waiting(5)
    of_a_lost_campaign = harness.sent_by_nobody_we_know(lost, 0)
    theirs = harness.waiting(5, reference_ids=[f"order{number}" for number in range(5)])
    of_a_caller = harness.sent_by_nobody_we_know(theirs, 0)
    harness.runtime.redis.delete(f"bsg:campaign:{lost}")

    orphans = {one.bsg_campaign_id: one for one in harness.audit().orphans}

    assert orphans[of_a_batch].origins == (Origin(campaign, True, (BatchId.of(campaign, 1),)),)
    assert orphans[of_a_lost_campaign].origins == (Origin(lost, False, ()),)
    assert (orphans[of_a_caller].origins, orphans[of_a_caller].other_ids) == ((), 5)
    assert orphans[of_a_caller].messages == 5


def test_an_audit_names_what_the_ledger_has_as_taken_and_bsg_does_not_show(harness: RecoveryHarness) -> None:
    campaign = harness.waiting(5)
    harness.runtime.ledger.batches.taken(
        BatchId.of(campaign, 0),
        account=harness.runtime.account.id,
        bsg_campaign_id=4711,
        bsg_status="creation",
        next_poll_ms=0,
        cause="taken",
    )

    compared = harness.audit()

    assert [(one.batch, one.bsg_campaign_id) for one in compared.not_at_bsg] == [(f"{campaign}-0", 4711)]
    assert compared.lacking


def test_an_audit_names_what_waits(harness: RecoveryHarness) -> None:
    campaign = harness.waiting(5)

    assert [(one.batch, one.state) for one in harness.audit().waiting] == [(f"{campaign}-0", "pending")]


def test_an_audit_of_another_period_leaves_out_what_is_not_of_it(harness: RecoveryHarness) -> None:
    campaign = harness.waiting(5)
    harness.sent_by_nobody_we_know(campaign, 0)
    now = clock.now()

    assert audit(harness.runtime, now - timedelta(days=92), now - timedelta(hours=1)).at_bsg == 0
