"""Who is on the list is not sent to, whenever they came onto it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest
from cryptography.fernet import Fernet

from bsg_cli.commands.explain import explain
from bsg_ledger.waiting import WaitReason
from bsg_messages.rejects import RejectCode
from bsg_sandbox.server import Sandbox
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
    harness.dispatch()
    assert sent_to(harness) == {FIRST, FIRST + 2}


def test_who_comes_onto_the_list_after_that_is_taken_out_before_the_batch_leaves(harness: WorkerHarness) -> None:
    campaign = harness.prepared(3)
    harness.producer.suppress([FIRST, FIRST + 2])

    outcome = harness.dispatch()

    assert outcome == f"{campaign}-0 pending: suppressed; {campaign}-0 submitted: taken"
    assert rejects(harness, campaign) == [(0, RejectCode.SUPPRESSED), (2, RejectCode.SUPPRESSED)]
    assert sent_to(harness) == {FIRST + 1}
    assert harness.status(campaign).counts["submitted"] == 1


def test_many_who_come_onto_the_list_are_taken_out_in_steps_before_the_batch_leaves(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bsg_worker.submit.recheck.MAX_REJECTS", 2)
    campaign = harness.prepared(6)
    harness.producer.suppress([FIRST + number for number in range(5)])

    outcome = harness.dispatch()

    suppressed = f"{campaign}-0 pending: suppressed"
    assert outcome == f"{suppressed}; {suppressed}; {suppressed}; {campaign}-0 submitted: taken"
    assert rejects(harness, campaign) == [(index, RejectCode.SUPPRESSED) for index in range(5)]
    assert sent_to(harness) == {FIRST + 5}


def test_who_comes_onto_the_list_while_a_batch_is_held_against_it_is_not_sent_to(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = harness.prepared(3)
    harness.producer.suppress([FIRST])
    checked = harness.runtime.ledger.suppressions.among

    def among(phones: Sequence[str]) -> Collection[str]:
        found = checked(phones)
        harness.producer.suppress([FIRST + 1])  # a second time it changes nothing
        return found

    monkeypatch.setattr(harness.runtime.ledger.suppressions, "among", among)

    outcome = harness.dispatch()

    suppressed = f"{campaign}-0 pending: suppressed"
    assert outcome == f"{suppressed}; {suppressed}; {campaign}-0 submitted: taken"
    assert sent_to(harness) == {FIRST + 2}


def test_a_batch_of_which_nobody_opted_out_is_sent_as_it_is(harness: WorkerHarness) -> None:
    campaign = harness.prepared(2)
    harness.producer.suppress([FIRST + 100])

    assert harness.dispatch() == f"{campaign}-0 submitted: taken"
    assert sent_to(harness) == {FIRST, FIRST + 1}


def test_a_batch_that_cannot_be_read_is_not_sent_unchecked(redis_url: str) -> None:
    with Sandbox() as sandbox:
        keys = [Fernet.generate_key().decode() for _ in range(2)]
        campaign = WorkerHarness(redis_url, sandbox, BODY_KEY=keys[0]).prepared(2)
        without = WorkerHarness(redis_url, sandbox, BODY_KEY=keys[1])
        without.producer.suppress([FIRST])

        outcome = without.dispatch()

        assert outcome == f"{campaign}-0 deferred 60.0 s: encrypted with a key that BODY_KEY does not have here"
        assert sent_to(without) == set()
        assert WaitReason.UNREADABLE in {one.reason for one in explain(without.settings, campaign)}


def test_a_batch_of_which_everybody_opted_out_is_not_sent(harness: WorkerHarness) -> None:
    campaign = harness.prepared(2)
    harness.producer.suppress([FIRST, FIRST + 1])

    harness.dispatch()

    assert sent_to(harness) == set()
    assert harness.status(campaign).counts["rejected"] == 2
    assert harness.status(campaign).state.final


def test_a_batch_that_was_held_against_the_list_is_not_taken_apart_again(harness: WorkerHarness) -> None:
    harness.producer.suppress([FIRST + 100])
    campaign = harness.prepared(2)

    assert harness.posting(campaign).size == 2


def test_who_is_taken_off_the_list_is_sent_to_again(harness: WorkerHarness) -> None:
    harness.producer.suppress([FIRST])
    harness.producer.unsuppress([FIRST])

    harness.submitted(1)

    assert sent_to(harness) == {FIRST}


def test_a_batch_with_an_earlier_attempt_in_doubt_keeps_its_rows_and_is_looked_up(harness: WorkerHarness) -> None:
    campaign = harness.prepared(2)
    harness.runtime.redis.hset(f"bsg:campaign:{campaign}:batch:0", "doubt", "1")
    harness.producer.suppress([FIRST])

    harness.dispatch()

    assert harness.batch(campaign).state == "unconfirmed"
    assert sent_to(harness) == set()


def test_the_second_of_two_messages_to_who_opted_out_is_a_reject_too(harness: WorkerHarness) -> None:
    harness.producer.suppress([FIRST])
    twice = [*messages(2), {"phone": FIRST, "text": "Another text"}]

    campaign = harness.producer.enqueue(twice, sender="MyShop").campaign_id
    harness.prepare(campaign)

    assert rejects(harness, campaign) == [(0, RejectCode.SUPPRESSED), (2, RejectCode.SUPPRESSED)]
