from __future__ import annotations

from tests.ledger.campaigns import HOUR_MS, Desk


def test_a_campaign_exists_only_after_the_commit(desk: Desk) -> None:
    acceptance = desk.acceptance([3])
    desk.ledger.campaigns.store_part(acceptance.campaign_id, 0, b"packed", keep_ms=HOUR_MS)

    before = desk.ledger.reading.status(acceptance.campaign_id)
    accepted = desk.ledger.campaigns.accept(acceptance)

    assert before is None
    assert (accepted.kind, accepted.messages) == ("accepted", 3)
    assert desk.counts(acceptance.campaign_id) == {"unprepared": 3}
    assert desk.state(acceptance.campaign_id) == "accepted"


def test_the_commit_fails_unless_every_part_is_there(desk: Desk) -> None:
    acceptance = desk.acceptance([2, 2])
    desk.ledger.campaigns.store_part(acceptance.campaign_id, 0, b"packed", keep_ms=HOUR_MS)

    accepted = desk.ledger.campaigns.accept(acceptance)

    assert accepted.kind == "missing"
    assert desk.ledger.reading.status(acceptance.campaign_id) is None


def test_parts_vanish_by_themselves_before_the_commit_and_stay_after_it(desk: Desk) -> None:
    acceptance = desk.acceptance([1])
    key = f"bsg:campaign:{acceptance.campaign_id}:part:0:messages"
    desk.ledger.campaigns.store_part(acceptance.campaign_id, 0, b"packed", keep_ms=HOUR_MS)
    expiry_before = desk.client.pttl(key)

    desk.ledger.campaigns.accept(acceptance)

    assert 0 < expiry_before <= HOUR_MS
    assert desk.client.pttl(key) == -1


def test_repeating_a_commit_whose_answer_was_lost_answers_accepted(desk: Desk) -> None:
    acceptance = desk.acceptance([2])
    desk.accept(acceptance)

    again = desk.ledger.campaigns.accept(acceptance)

    assert again.kind == "accepted"
    assert desk.counts(acceptance.campaign_id) == {"unprepared": 2}
    assert desk.causes(acceptance.campaign_id) == ["enqueued"]


def test_the_same_key_with_the_same_content_answers_the_first_campaign(desk: Desk) -> None:
    first = desk.accepted(2, idempotency_key="key")

    second = desk.accept(desk.acceptance([2], idempotency_key="key"))

    assert (second.kind, second.campaign_id, second.messages) == ("duplicate", first, 2)


def test_the_same_key_with_other_content_is_a_conflict(desk: Desk) -> None:
    first = desk.accepted(2, idempotency_key="key")

    second = desk.accept(desk.acceptance([2], idempotency_key="key", digest="other"))

    assert (second.kind, second.campaign_id) == ("conflict", first)


def test_each_transition_raises_the_ledgers_sequence(desk: Desk) -> None:
    campaign = desk.prepared(2)
    before = int(desk.client.hget("bsg:ledger", "sequence"))

    desk.claimed(campaign)

    assert int(desk.client.hget("bsg:ledger", "sequence")) == before + 1
    assert desk.client.hget("bsg:ledger", "incarnation") == b"incarnation"


def test_a_ledger_keeps_the_name_that_its_first_campaign_gave_it(desk: Desk) -> None:
    desk.accepted(1, incarnation="first")
    desk.accepted(1, incarnation="second")

    assert desk.client.hget("bsg:ledger", "incarnation") == b"first"
