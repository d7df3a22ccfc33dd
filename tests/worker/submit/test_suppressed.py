"""Who is on the list is not sent to, whenever they came onto it."""

from __future__ import annotations

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.batches import BatchLease
from bsg_messages.rejects import RejectCode
from bsg_worker.prepare.prepare import prepare_next
from tests.failpoints.doors import watched
from tests.scenarios.environment import messages
from tests.worker.harness import WorkerHarness

FIRST = 380_660_000_000


def sent_to(harness: WorkerHarness) -> set[int]:
    return set(harness.sandbox.record().recipients)


def rejects(harness: WorkerHarness, campaign: str) -> list[tuple[int, str]]:
    return [(reject.index, reject.code) for reject in harness.producer.rejects(campaign)]


def test_who_is_on_the_list_becomes_a_reject_when_the_batch_is_prepared(harness: WorkerHarness) -> None:
    harness.producer.suppress([FIRST + 1])

    campaign = harness.prepared(3)

    assert rejects(harness, campaign) == [(1, RejectCode.SUPPRESSED)]
    harness.submit(campaign)
    assert sent_to(harness) == {FIRST, FIRST + 2}


def test_who_comes_onto_the_list_after_that_is_taken_out_before_the_batch_leaves(harness: WorkerHarness) -> None:
    campaign = harness.prepared(3)
    harness.producer.suppress([FIRST, FIRST + 2])

    outcome = harness.submit(campaign)

    assert outcome.startswith("pending: suppressed; submitted: taken")
    assert rejects(harness, campaign) == [(0, RejectCode.SUPPRESSED), (2, RejectCode.SUPPRESSED)]
    assert sent_to(harness) == {FIRST + 1}
    assert harness.status(campaign).counts["submitted"] == 1


def test_who_comes_onto_the_list_while_the_batch_waits_for_its_turn_is_not_sent_to(harness: WorkerHarness) -> None:
    campaign = harness.prepared(2)

    def with_a_slot_in_hand(point: str) -> None:
        if point == "before script intent":
            harness.producer.suppress([FIRST])  # a second time it changes nothing

    with watched(with_a_slot_in_hand):
        outcome = harness.submit(campaign)

    assert outcome.startswith("not sent: pending; pending: suppressed; submitted: taken")
    assert sent_to(harness) == {FIRST + 1}


def test_a_batch_of_which_everybody_opted_out_is_not_sent(harness: WorkerHarness) -> None:
    campaign = harness.prepared(2)
    harness.producer.suppress([FIRST, FIRST + 1])

    harness.submit(campaign)

    assert sent_to(harness) == set()
    assert harness.status(campaign).counts["rejected"] == 2
    assert harness.status(campaign).state.final


def test_a_batch_that_was_held_against_the_list_is_not_taken_apart_again(harness: WorkerHarness) -> None:
    harness.producer.suppress([FIRST + 100])
    campaign = harness.prepared(2)

    lease = harness.runtime.ledger.batches.claim(
        campaign, bell="", account=harness.runtime.account, account_name=DEFAULT_ACCOUNT, token="token", lease_ms=1_000
    )

    assert isinstance(lease, BatchLease)
    assert (lease.held_against, lease.suppressions) == (1, 1)


def test_who_is_taken_off_the_list_is_sent_to_again(harness: WorkerHarness) -> None:
    harness.producer.suppress([FIRST])
    harness.producer.unsuppress([FIRST])

    harness.submitted(1)

    assert sent_to(harness) == {FIRST}


def test_a_batch_with_an_earlier_attempt_in_doubt_keeps_its_rows_and_is_looked_up(harness: WorkerHarness) -> None:
    campaign = harness.prepared(2)
    harness.runtime.redis.hset(f"bsg:campaign:{campaign}:batch:0", "doubt", "1")
    harness.producer.suppress([FIRST])

    harness.submit(campaign)

    assert harness.batch(campaign).state == "unconfirmed"
    assert sent_to(harness) == set()


def test_the_second_of_two_messages_to_who_opted_out_is_a_reject_too(harness: WorkerHarness) -> None:
    harness.producer.suppress([FIRST])
    twice = [*messages(2), {"phone": FIRST, "text": "Another text"}]

    campaign = harness.producer.enqueue(twice, sender="MyShop").campaign_id
    prepare_next(harness.runtime, campaign)

    assert rejects(harness, campaign) == [(0, RejectCode.SUPPRESSED), (2, RejectCode.SUPPRESSED)]
