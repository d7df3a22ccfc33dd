"""A stream's batch takes up messages again after the lost ledger has sent it, before any process notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.gate import GateReason
from bsg_ledger.work import Send
from bsg_messages.bodies import unpacked
from bsg_producer import MessageReceipt
from bsg_sandbox.server import Sandbox
from bsg_worker.poll.poll import poll
from bsg_worker.reconcile.reconcile import reconcile
from bsg_worker.recovery.recover import recover
from tests.worker.harness import LONG_TIMEOUTS, WorkerHarness

PHONE = 380_661_231_200


@pytest.fixture
def harness(redis_url: str) -> Iterator[WorkerHarness]:
    with Sandbox() as sandbox:
        yield WorkerHarness(redis_url, sandbox, **LONG_TIMEOUTS)


@pytest.fixture
def send(harness: WorkerHarness) -> Callable[..., list[MessageReceipt]]:
    stream = harness.producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
    return lambda *codes: [stream.send({"phone": PHONE + code, "code": code}) for code in codes]


def copied(harness: WorkerHarness) -> Mapping[bytes, Any]:
    client: Any = harness.runtime.redis
    return {key: client.dump(key) for key in client.scan_iter()}


def restore(harness: WorkerHarness, copy: Mapping[bytes, Any]) -> None:
    client: Any = harness.runtime.redis
    client.flushall()
    for key, value in copy.items():
        client.restore(key, 0, value)


def recover_now(harness: WorkerHarness) -> None:
    """Recover a ledger that went back more than a lease ago. Time passes by ageing what is stored."""
    runtime = harness.runtime
    runtime.gate.shut(reason=GateReason.LEDGER_WENT_BACK, by="test")
    lease_ms = int(1000 * harness.settings.lease_seconds)
    runtime.redis.hincrby(f"bsg:account:{runtime.account.id}:gate", "since", -lease_ms)
    for campaign in runtime.ledger.reading.open_campaigns():
        runtime.redis.hincrby(f"bsg:campaign:{campaign.campaign_id}", "accepted_at", -2 * lease_ms)
    recover(runtime, lambda _: None)


def states(harness: WorkerHarness, receipts: Sequence[MessageReceipt]) -> list[str]:
    return [harness.producer.message(receipt.message_id).state for receipt in receipts]


def lists_read(harness: WorkerHarness) -> int:
    return sum(request.path == "/api/messages" for request in harness.sandbox.requests())


def polled_to_its_end(harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.sandbox.advance(60)
    harness.poll_twice(monkeypatch)
    harness.poll_twice(monkeypatch)


@pytest.mark.parametrize("joined", [1, 2])  # as many as the lost one, and more
def test_a_message_that_joined_what_the_lost_ledger_had_sent_is_a_reject(
    harness: WorkerHarness, send: Callable[..., list[MessageReceipt]], monkeypatch: pytest.MonkeyPatch, joined: int
) -> None:
    kept = send(1, 2)
    copy = copied(harness)
    lost = send(3)
    harness.dispatch()
    restore(harness, copy)
    instead = send(*range(4, 4 + joined))

    recover_now(harness)
    polled_to_its_end(harness, monkeypatch)

    assert states(harness, kept) == ["finished"] * 2
    assert states(harness, instead) == ["rejected"] * joined
    campaign = harness.producer.message(kept[0].message_id).campaign_id
    assert {reject.code for reject in harness.producer.rejects(campaign)} == {"dropped_by_bsg"}
    assert harness.status(campaign).counts["finished"] == 2
    arrived = harness.sandbox.record().by_reference
    assert {reference_id: len(times) for reference_id, times in arrived.items()} == {
        receipt.message_id: 1 for receipt in (*kept, *lost)
    }


def test_a_message_that_joined_is_a_reject_where_a_worker_sends_the_batch_before_any_notices(
    harness: WorkerHarness, send: Callable[..., list[MessageReceipt]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = send(1, 2)
    copy = copied(harness)
    send(3)
    harness.dispatch()
    restore(harness, copy)
    instead = send(4)

    # It was started after the restore, and BSG says that it knows the ids.
    newcomer = WorkerHarness(harness.environment["REDIS_URL"], harness.sandbox, **LONG_TIMEOUTS)
    newcomer.dispatch()
    assert states(harness, instead) == ["unconfirmed"]
    newcomer.make_due(DueIndex.DOUBT)
    reconcile(newcomer.runtime)
    assert states(harness, instead) == ["submitted"]
    polled_to_its_end(newcomer, monkeypatch)

    assert states(harness, [*kept, *instead]) == ["finished", "finished", "rejected"]


def test_a_message_that_joined_is_a_reject_where_the_response_to_the_lost_attempt_comes_after_another_one_began(
    harness: WorkerHarness, send: Callable[..., list[MessageReceipt]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = send(1, 2)
    campaign = harness.producer.message(kept[0].message_id).campaign_id
    copy = copied(harness)
    send(3)
    lost = harness.posting(campaign)
    body = unpacked(lost.body, campaign, harness.runtime.cipher)
    response = harness.runtime.client.send_individual(body, {}, lambda: True)
    restore(harness, copy)
    instead = send(4)
    newcomer = WorkerHarness(harness.environment["REDIS_URL"], harness.sandbox, **LONG_TIMEOUTS)
    assert isinstance(newcomer.runtime.dispatcher.next("another token"), Send)

    assert response.campaign is not None
    harness.runtime.ledger.batches.taken(
        lost.batch,
        account=harness.runtime.account.id,
        bsg_campaign_id=response.campaign.id,
        bsg_status="creation",
        next_poll_ms=0,
        cause="taken",
        token=lost.token,
    )
    polled_to_its_end(harness, monkeypatch)

    assert states(harness, [*kept, *instead]) == ["finished", "finished", "rejected"]


def test_a_found_batch_needs_an_operator_if_bsg_never_lists_all_of_it_and_none_once_it_does(
    harness: WorkerHarness, send: Callable[..., list[MessageReceipt]], monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = send(1, 2)
    copy = copied(harness)
    harness.dispatch()
    restore(harness, copy)
    recover_now(harness)
    harness.sandbox.fault("late_visibility", seconds=3600)

    polled_to_its_end(harness, monkeypatch)
    batch = harness.producer.message(receipts[0].message_id).batch
    (record,) = harness.runtime.ledger.reading.batch_records([batch])
    assert (record.state, record.needs_operator) == ("submitted", None)

    monkeypatch.setattr("bsg_worker.poll.poll.UNREAD_SECONDS", 0.0)
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    (record,) = harness.runtime.ledger.reading.batch_records([batch])
    assert (record.needs_operator, record.error) == ("unread", "campaign 1000001: a list of 0 of its 2 messages")

    harness.sandbox.clear_faults()
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    (record,) = harness.runtime.ledger.reading.batch_records([batch])
    assert (record.state, record.needs_operator) == ("finished", None)


def test_the_end_of_a_batch_that_bsg_has_taken_from_this_ledger_takes_no_list(
    harness: WorkerHarness, send: Callable[..., list[MessageReceipt]], monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = send(1, 2)
    harness.dispatch()

    polled_to_its_end(harness, monkeypatch)

    assert states(harness, receipts) == ["finished"] * 2
    assert lists_read(harness) == 0


def test_a_campaigns_batch_that_was_found_takes_no_list_at_its_end(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = harness.prepared(2)
    copy = copied(harness)
    harness.dispatch()
    restore(harness, copy)
    recover_now(harness)
    before = lists_read(harness)

    polled_to_its_end(harness, monkeypatch)

    assert harness.status(campaign).counts["finished"] == 2
    assert lists_read(harness) == before


def test_the_list_of_a_batch_that_was_found_is_read_once(
    harness: WorkerHarness, send: Callable[..., list[MessageReceipt]], monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = send(1, 2)
    copy = copied(harness)
    harness.dispatch()
    restore(harness, copy)
    recover_now(harness)
    before = lists_read(harness)

    polled_to_its_end(harness, monkeypatch)

    assert states(harness, receipts) == ["finished"] * 2
    assert lists_read(harness) == before + 1
