"""What concerns a whole campaign begins with a flag and goes on in steps: whatever dies between two of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.batch_id import BatchId
from bsg_ledger.campaigns import Acceptance, Accepted
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.keys import Keys, Rekeyed, Rekeying
from bsg_ledger.ledger import Ledger
from bsg_ledger.scripts import Scripts
from bsg_ledger.work import Nothing, Prepare, Send
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, LedgerHarness

BATCHES = 5
NEW = "account-of-the-new-key"


class StepwiseHarness(LedgerHarness):
    """Its ledger takes steps of two batches."""

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.client, batches_a_step=2)
        self.scripts = Scripts(self.client, batches_a_step=2)

    def campaign(self) -> str:
        return self.prepared(*[1] * BATCHES)

    def commit(self, lease: Prepare, *, batches: int, rejects: int) -> bool:
        """Commit a chunk, and add only what the commit itself does."""
        return self.ledger.chunks.commit(
            lease,
            [(1, f"{index}+1", b"body") for index in range(batches)],
            [(index, json.dumps({"index": index})) for index in range(batches, batches + rejects)],
        )

    def committed(self, *, batches: int, rejects: int = 0) -> str:
        campaign = self.accepted(batches + rejects)
        assert self.commit(self.preparing(), batches=batches, rejects=rejects)
        return campaign

    def unfinished(self) -> list[str]:
        return self.ledger.due_indexes.take_due(DueIndex.UNFINISHED, at_most=9, put_off_ms=0)


@pytest.fixture
def stepwise(ledger_harness: LedgerHarness) -> StepwiseHarness:
    return StepwiseHarness(ledger_harness.client)


# Acceptance


def accepted_with_chunks_left(stepwise: StepwiseHarness) -> str:
    """Commit a campaign of five chunks, of which the commit itself adds two."""
    acceptance = stepwise.acceptance([3] * BATCHES)
    for chunk in range(BATCHES):
        stepwise.ledger.campaigns.store_chunk(acceptance.campaign_id, chunk, b"%d" % chunk, keep_ms=HOUR_MS)
    assert stepwise.ledger.campaigns.commit(acceptance).kind == "accepted"
    return acceptance.campaign_id


def prepared_chunks(stepwise: StepwiseHarness, campaign: str) -> list[tuple[int, bytes, int, int]]:
    """Prepare every chunk that is due. Return the number, the messages, the first index and the size of each."""
    leases = list[Prepare]()
    while isinstance(work := stepwise.next(token=f"token-{len(leases)}"), Prepare):
        assert stepwise.ledger.chunks.prepared(work, [(3, f"{work.first_index}+3", b"body")], [])
        leases.append(work)
        stepwise.client.zremrangebyrank(f"bsg:campaign:{campaign}:due", 0, -1)
    return sorted((lease.chunk, lease.packed, lease.first_index, lease.size) for lease in leases)


def test_a_campaign_is_accepted_whole_though_its_chunks_are_added_in_steps(stepwise: StepwiseHarness) -> None:
    campaign = accepted_with_chunks_left(stepwise)

    assert stepwise.counts(campaign) == {"unprepared": 3 * BATCHES}
    assert stepwise.client.ttl(f"bsg:campaign:{campaign}:messages") == -1
    assert stepwise.client.zcard(f"bsg:campaign:{campaign}:chunks") == 2


def test_an_acceptance_that_dies_between_two_steps_is_finished_by_upkeep_and_each_chunk_prepared_once(
    stepwise: StepwiseHarness,
) -> None:
    campaign = accepted_with_chunks_left(stepwise)
    due = stepwise.unfinished()
    early = prepared_chunks(stepwise, campaign)
    stepwise.scripts.step("add_chunks", campaign)

    stepwise.ledger.campaigns.finish(campaign)
    stepwise.scripts.step("add_chunks", campaign)

    assert due == [campaign]
    assert stepwise.unfinished() == []
    later = prepared_chunks(stepwise, campaign)
    assert early + later == [(chunk, b"%d" % chunk, 3 * chunk, 3) for chunk in range(BATCHES)]
    assert stepwise.counts(campaign) == {"pending": 3 * BATCHES}


def test_a_campaign_is_accepted_with_all_of_its_chunks(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.accepted(*[3] * BATCHES)

    assert stepwise.client.zcard(f"bsg:campaign:{campaign}:chunks") == BATCHES
    assert stepwise.unfinished() == []


def test_a_campaign_is_accepted_although_redis_refuses_the_steps_after_the_commit(
    stepwise: StepwiseHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    acceptance = stepwise.acceptance([3] * BATCHES)
    for chunk in range(BATCHES):
        stepwise.ledger.campaigns.store_chunk(acceptance.campaign_id, chunk, b"packed", keep_ms=HOUR_MS)
    commit = stepwise.ledger.campaigns.commit

    def commit_before_the_replica_is_lost(acceptance: Acceptance) -> Accepted:
        accepted = commit(acceptance)
        stepwise.client.config_set("min-replicas-to-write", 1)
        return accepted

    monkeypatch.setattr(stepwise.ledger.campaigns, "commit", commit_before_the_replica_is_lost)
    try:
        accepted = stepwise.ledger.campaigns.accept(acceptance)
    finally:
        stepwise.client.config_set("min-replicas-to-write", 0)

    assert accepted.kind == "accepted"
    assert stepwise.unfinished() == [acceptance.campaign_id]
    stepwise.ledger.campaigns.finish(acceptance.campaign_id)
    assert len(prepared_chunks(stepwise, acceptance.campaign_id)) == BATCHES


def test_who_repeats_an_acceptance_whose_response_was_lost_adds_each_chunk_once(stepwise: StepwiseHarness) -> None:
    acceptance = stepwise.acceptance([3] * BATCHES)
    for chunk in range(BATCHES):
        stepwise.ledger.campaigns.store_chunk(acceptance.campaign_id, chunk, b"packed", keep_ms=HOUR_MS)
    stepwise.ledger.campaigns.commit(acceptance)

    assert stepwise.ledger.campaigns.accept(acceptance).kind == "accepted"

    assert [chunk for chunk, *_ in prepared_chunks(stepwise, acceptance.campaign_id)] == list(range(BATCHES))


@pytest.mark.parametrize("end", ["cancelled", "expired"])
def test_a_campaign_that_ends_before_all_chunks_are_added_ends_whole(stepwise: StepwiseHarness, end: str) -> None:
    campaign = accepted_with_chunks_left(stepwise)
    if end == "cancelled":
        stepwise.scripts.run("cancel", campaign)
    else:
        stepwise.pass_deadline(campaign)

    assert stepwise.scripts.all_steps("end_unsent", campaign) == "done"

    assert stepwise.counts(campaign) == {end: 3 * BATCHES}
    assert stepwise.scripts.step("add_chunks", campaign) == "done"
    assert stepwise.unfinished() == []
    assert stepwise.state(campaign) == end


def test_a_campaign_that_expired_before_all_chunks_were_added_is_retried_whole(stepwise: StepwiseHarness) -> None:
    campaign = accepted_with_chunks_left(stepwise)
    stepwise.pass_deadline(campaign)
    for _ in range(3):
        stepwise.scripts.step("end_unsent", campaign)

    stepwise.ledger.campaigns.retry(campaign, deadline_ms=stepwise.ledger.due_indexes.now_ms() + HOUR_MS)

    assert stepwise.counts(campaign) == {"unprepared": 3 * BATCHES}
    assert [chunk for chunk, *_ in prepared_chunks(stepwise, campaign)] == list(range(BATCHES))


# Cancel


def test_from_the_flag_of_a_cancel_on_nothing_leaves(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    dispatched = stepwise.posting(campaign)

    response = stepwise.scripts.run("cancel", campaign)

    assert response == [b"cancelled", BATCHES - 1, 1]
    assert stepwise.next() == Nothing()
    assert stepwise.withdraw(dispatched) == "cancelled"
    assert stepwise.counts(campaign) == {"pending": BATCHES - 1, "cancelled": 1}
    status = stepwise.ledger.reading.status(campaign)
    assert status is not None
    assert status.cancelled
    assert stepwise.ledger.due_indexes.take_due(DueIndex.DUE, account=ACCOUNT, at_most=9, put_off_ms=0) == []


def test_a_cancel_that_dies_between_two_steps_is_due_for_upkeep_which_finishes_it(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    stepwise.scripts.run("cancel", campaign)
    assert stepwise.scripts.step("end_unsent", campaign) == "more"
    assert stepwise.counts(campaign) == {"pending": BATCHES - 2, "cancelled": 2}

    due = stepwise.unfinished()
    stepwise.ledger.campaigns.finish(campaign)

    assert due == [campaign]
    assert stepwise.unfinished() == []
    assert stepwise.counts(campaign) == {"cancelled": BATCHES}
    assert stepwise.state(campaign) == "cancelled"


def test_every_batch_at_bsg_is_put_down_to_be_stopped_however_many_steps_that_takes(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    for bsg_id in range(1, BATCHES + 1):
        stepwise.submitted(campaign, bsg_id)

    assert stepwise.ledger.campaigns.cancel(campaign) == (0, BATCHES)

    stops = stepwise.ledger.due_indexes.members(DueIndex.STOPS, account=ACCOUNT)
    assert sorted(map(int, stops)) == list(range(1, BATCHES + 1))


def test_chunks_end_in_steps_too(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.accepted(1, 1, 1)

    stepwise.scripts.run("cancel", campaign)
    first, second = (stepwise.scripts.step("end_unsent", campaign) for _ in range(2))

    assert (first, second) == ("more", "done")
    assert stepwise.counts(campaign) == {"cancelled": 3}


def test_a_campaign_that_goes_on_has_no_step_to_its_end(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()

    assert stepwise.scripts.step("end_unsent", campaign) == "early"
    assert stepwise.counts(campaign) == {"pending": BATCHES}


# The deadline


def test_a_deadline_that_moves_ends_the_steps_that_it_caused(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    stepwise.pass_deadline(campaign)
    assert stepwise.scripts.step("end_unsent", campaign) == "more"

    kind, messages = stepwise.ledger.campaigns.retry(
        campaign, deadline_ms=stepwise.ledger.due_indexes.now_ms() + HOUR_MS
    )

    assert (kind, messages) == ("retried", 2)
    assert stepwise.scripts.step("end_unsent", campaign) == "early"
    assert stepwise.counts(campaign) == {"pending": BATCHES}


def test_a_campaign_that_expired_half_stays_due_until_the_rest_has(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    stepwise.pass_deadline(campaign)

    stepwise.scripts.step("end_unsent", campaign)
    half = stepwise.ledger.due_indexes.take_due(DueIndex.DEADLINES, at_most=9, put_off_ms=0)
    stepwise.ledger.campaigns.expire(campaign)

    assert half == [campaign]
    assert stepwise.ledger.due_indexes.take_due(DueIndex.DEADLINES, at_most=9, put_off_ms=0) == []
    assert stepwise.counts(campaign) == {"expired": BATCHES}


# Retry


def expired(stepwise: StepwiseHarness) -> str:
    campaign = stepwise.campaign()
    stepwise.pass_deadline(campaign)
    assert stepwise.ledger.campaigns.expire(campaign)
    return campaign


def begin_to_retry(stepwise: StepwiseHarness, campaign: str) -> list[Any]:
    return stepwise.scripts.run("retry", campaign, stepwise.ledger.due_indexes.now_ms() + HOUR_MS)


def test_a_retry_that_dies_between_two_steps_is_due_for_upkeep_which_finishes_it(stepwise: StepwiseHarness) -> None:
    campaign = expired(stepwise)
    assert begin_to_retry(stepwise, campaign) == [b"retried", BATCHES]
    assert stepwise.unfinished() == [campaign]
    assert stepwise.scripts.step("retry_some", campaign) == "more"

    due = stepwise.unfinished()
    stepwise.ledger.campaigns.finish(campaign)

    assert due == [campaign]
    assert stepwise.unfinished() == []
    assert stepwise.counts(campaign) == {"pending": BATCHES}


def test_a_retry_takes_no_batch_twice(stepwise: StepwiseHarness) -> None:
    campaign = expired(stepwise)
    begin_to_retry(stepwise, campaign)
    stepwise.scripts.step("retry_some", campaign)
    stepwise.ledger.batches.refused(stepwise.posting(campaign), cause="422")

    stepwise.ledger.campaigns.finish(campaign)

    assert stepwise.counts(campaign) == {"pending": BATCHES - 1, "refused": 1}


def test_a_retry_leaves_what_bsg_has(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    stepwise.submitted(campaign)
    stepwise.pass_deadline(campaign)
    stepwise.ledger.campaigns.expire(campaign)

    begin_to_retry(stepwise, campaign)
    stepwise.ledger.campaigns.finish(campaign)

    assert stepwise.counts(campaign) == {"submitted": 1, "pending": BATCHES - 1}


def test_a_batch_of_which_nothing_is_left_is_not_retried_beside_others(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.prepared(1, 1)
    stepwise.ledger.batches.rows_refused(
        stepwise.posting(campaign), cause="rows", rest=b"", rest_rows=[], rejects=[(0, json.dumps({"index": 0}))]
    )
    stepwise.ledger.batches.refused(stepwise.posting(campaign), cause="422")

    begin_to_retry(stepwise, campaign)
    stepwise.ledger.campaigns.finish(campaign)

    assert stepwise.posting(campaign).batch.number == 1
    assert stepwise.counts(campaign) == {"rejected": 1, "posting": 1}


def test_what_has_not_expired_yet_is_sent_within_the_new_deadline_of_a_retry(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    stepwise.pass_deadline(campaign)
    assert stepwise.next() == Nothing()

    begin_to_retry(stepwise, campaign)

    assert isinstance(stepwise.next(), Send)


def test_a_chunk_that_expired_is_not_committed_by_its_worker_after_a_retry(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.accepted(BATCHES)
    lease = stepwise.preparing()
    stepwise.pass_deadline(campaign)
    stepwise.ledger.campaigns.expire(campaign)
    begin_to_retry(stepwise, campaign)
    stepwise.ledger.campaigns.finish(campaign)

    assert not stepwise.commit(lease, batches=BATCHES, rejects=0)
    assert stepwise.counts(campaign) == {"unprepared": BATCHES}


def test_a_cancel_ends_a_retry_that_has_steps_left(stepwise: StepwiseHarness) -> None:
    campaign = expired(stepwise)
    begin_to_retry(stepwise, campaign)
    stepwise.scripts.step("retry_some", campaign)

    stepwise.ledger.campaigns.cancel(campaign)

    assert stepwise.counts(campaign) == {"cancelled": 1, "expired": BATCHES - 1}
    assert stepwise.unfinished() == []


def test_nothing_is_forgotten_of_what_a_retry_has_begun_with(stepwise: StepwiseHarness) -> None:
    campaign = expired(stepwise)
    begin_to_retry(stepwise, campaign)

    assert not stepwise.ledger.campaigns.forget_bodies(campaign)
    assert not stepwise.ledger.campaigns.forget(campaign)

    stepwise.ledger.campaigns.finish(campaign)
    assert isinstance(stepwise.next(), Send)


# Purge


@pytest.mark.parametrize("script", ["forget_bodies", "forget_campaign"])
def test_what_is_forgotten_half_is_not_retried_and_is_forgotten_whole_by_the_next_purge(
    stepwise: StepwiseHarness, script: str
) -> None:
    campaign = expired(stepwise)
    assert stepwise.scripts.step(script, campaign) == "more"

    assert begin_to_retry(stepwise, campaign) == [b"forgotten"]
    assert stepwise.ledger.reading.bodies_forgotten([campaign]) == {campaign: script == "forget_campaign"}
    assert stepwise.counts(campaign) == {"expired": BATCHES}

    assert stepwise.scripts.all_steps(script, campaign) == "done"
    assert stepwise.ledger.reading.bodies_forgotten([campaign])[campaign] == (script == "forget_bodies")
    assert list(stepwise.client.scan_iter(f"bsg:campaign:{campaign}*:messages")) == []


def test_nothing_is_left_of_a_campaign_that_is_forgotten_in_steps(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    stepwise.polled(stepwise.submitted(campaign), "done", final=True)
    stepwise.ledger.campaigns.cancel(campaign)

    assert stepwise.ledger.campaigns.forget(campaign)

    assert list(stepwise.client.scan_iter(f"*{campaign}*")) == []
    assert sum(stepwise.ledger.reading.messages_by_state().values()) == 0
    assert stepwise.ledger.reading.owner(ACCOUNT, 1) is None


# Chunks of many batches


def test_before_the_commit_nobody_sees_what_a_chunk_was_prepared_to(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.accepted(BATCHES)
    lease = stepwise.preparing()
    stepwise.end_chunk_lease(campaign)

    assert not stepwise.commit(lease, batches=BATCHES, rejects=0)

    assert stepwise.counts(campaign) == {"unprepared": BATCHES}
    assert list(stepwise.client.scan_iter("*staged*")) == []


def test_what_was_committed_counts_once_at_any_time(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.committed(batches=BATCHES, rejects=2)

    seen = [stepwise.counts(campaign)]
    while stepwise.scripts.step("add_prepared", campaign) == "more":
        seen.append(stepwise.counts(campaign))

    assert seen[:3] == [{"unprepared": 7}, {"unprepared": 5, "pending": 2}, {"unprepared": 3, "pending": 4}]
    assert seen[-1] == {"pending": BATCHES, "rejected": 2}
    assert stepwise.unfinished() == []
    assert [json.loads(row)["index"] for row in stepwise.ledger.reading.rejects(campaign)] == [5, 6]


def test_a_committed_chunk_whose_worker_dies_is_added_by_upkeep_and_never_prepared_again(
    stepwise: StepwiseHarness,
) -> None:
    campaign = stepwise.committed(batches=BATCHES)

    due = stepwise.unfinished()
    stepwise.ledger.campaigns.finish(campaign)

    assert due == [campaign]
    assert stepwise.counts(campaign) == {"pending": BATCHES}
    assert stepwise.client.exists(f"bsg:campaign:{campaign}:messages") == 0


def test_what_is_staged_expires_with_a_worker_that_dies_before_its_commit(stepwise: StepwiseHarness) -> None:
    stepwise.accepted(BATCHES)
    lease = stepwise.preparing()

    stepwise.ledger.chunks._stage(lease, [(1, "0+1", b"body")] * BATCHES)

    (staged,) = stepwise.client.scan_iter("*staged*")
    assert stepwise.client.llen(staged) == 3 * BATCHES
    assert stepwise.client.pttl(staged) > 0


def test_what_was_committed_does_not_expire(stepwise: StepwiseHarness) -> None:
    stepwise.committed(batches=BATCHES)

    (staged,) = stepwise.client.scan_iter("*staged*")
    assert stepwise.client.ttl(staged) == -1


def test_a_chunk_of_which_something_staged_is_gone_is_not_committed(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.accepted(BATCHES)
    lease = stepwise.preparing()

    response = stepwise.scripts.run("prepared", campaign, lease.chunk, lease.token, 0, BATCHES, 0, 3 * BATCHES)

    assert response == [b"stale"]
    assert stepwise.counts(campaign) == {"unprepared": BATCHES}


@pytest.mark.parametrize("end", ["cancelled", "expired"])
def test_a_chunk_is_not_committed_to_a_campaign_that_ends(stepwise: StepwiseHarness, end: str) -> None:
    campaign = stepwise.accepted(BATCHES)
    lease = stepwise.preparing()
    if end == "cancelled":
        stepwise.scripts.run("cancel", campaign)
    else:
        stepwise.pass_deadline(campaign)

    assert not stepwise.commit(lease, batches=BATCHES, rejects=0)
    assert stepwise.scripts.all_steps("end_unsent", campaign) == "done"
    assert stepwise.counts(campaign) == {end: BATCHES}


def test_what_expires_while_it_is_added_is_sent_once_after_a_retry(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.committed(batches=BATCHES)
    stepwise.pass_deadline(campaign)
    stepwise.ledger.campaigns.expire(campaign)
    ended = stepwise.counts(campaign)

    begin_to_retry(stepwise, campaign)
    stepwise.ledger.campaigns.finish(campaign)

    assert ended == {"expired": BATCHES}
    assert stepwise.counts(campaign) == {"pending": BATCHES}
    assert sorted(
        row for batch in range(BATCHES) for row in stepwise.ledger.reading.rows(BatchId.of(campaign, batch))
    ) == [*range(BATCHES)]


# A chunk that is given up


def given_up(stepwise: StepwiseHarness, *, others: int = 0) -> str:
    """Give a chunk up, and reject nothing of it yet."""
    campaign = stepwise.accepted(BATCHES, *[1] * others)
    stepwise.preparing(token="first")
    stepwise.end_chunk_lease(campaign)
    response = stepwise.scripts.run("lease_chunk", campaign, "second", 60_000, 1)
    assert response == [b"again", campaign.encode()]
    return campaign


def test_a_chunk_that_is_given_up_counts_once_at_any_time_while_its_messages_are_rejected(
    stepwise: StepwiseHarness,
) -> None:
    campaign = given_up(stepwise)

    seen = [stepwise.counts(campaign)]
    for _ in range(3):
        stepwise.scripts.step("add_prepared", campaign)
        seen.append(stepwise.counts(campaign))

    assert seen[:3] == [{"unprepared": 5}, {"unprepared": 3, "rejected": 2}, {"unprepared": 1, "rejected": 4}]
    assert seen[-1] == {"rejected": BATCHES}
    assert [json.loads(row)["index"] for row in stepwise.ledger.reading.rejects(campaign)] == [*range(BATCHES)]
    assert stepwise.unfinished() == []
    assert stepwise.state(campaign) == "failed"


def test_from_the_moment_at_which_a_chunk_is_given_up_nobody_prepares_it(stepwise: StepwiseHarness) -> None:
    campaign = given_up(stepwise)
    late = Prepare(campaign, 0, "first", b"", "", 0, BATCHES, 0)

    assert not stepwise.commit(late, batches=BATCHES, rejects=0)
    assert not stepwise.ledger.chunks.release(late, delay_ms=0, cause="late")
    assert stepwise.next() == Nothing()
    stepwise.ledger.campaigns.finish(campaign)
    assert stepwise.counts(campaign) == {"rejected": BATCHES}


def test_upkeep_rejects_the_rest_of_what_was_given_up_by_a_worker_that_died(stepwise: StepwiseHarness) -> None:
    campaign = given_up(stepwise)

    due = stepwise.unfinished()
    stepwise.scripts.step("add_prepared", campaign)
    stepwise.ledger.campaigns.finish(campaign)
    stepwise.ledger.campaigns.finish(campaign)

    assert due == [campaign]
    assert stepwise.counts(campaign) == {"rejected": BATCHES}
    assert not stepwise.client.zcard("bsg:unfinished")


@pytest.mark.parametrize("end", ["cancelled", "expired"])
def test_what_is_given_up_is_rejected_though_the_campaign_ends_meanwhile(stepwise: StepwiseHarness, end: str) -> None:
    campaign = given_up(stepwise, others=1)
    stepwise.scripts.step("add_prepared", campaign)
    if end == "cancelled":
        stepwise.ledger.campaigns.cancel(campaign)
    else:
        stepwise.pass_deadline(campaign)
        stepwise.ledger.campaigns.expire(campaign)

    assert stepwise.counts(campaign) == {"rejected": BATCHES, end: 1}
    assert stepwise.unfinished() == []


def test_a_retry_does_not_bring_back_what_is_given_up(stepwise: StepwiseHarness) -> None:
    campaign = given_up(stepwise, others=1)
    stepwise.pass_deadline(campaign)
    stepwise.scripts.step("end_unsent", campaign)

    stepwise.ledger.campaigns.retry(campaign, deadline_ms=stepwise.ledger.due_indexes.now_ms() + HOUR_MS)

    assert stepwise.counts(campaign) == {"rejected": BATCHES, "unprepared": 1}


def test_a_campaign_with_a_chunk_that_is_being_given_up_is_neither_closed_nor_forgotten(
    stepwise: StepwiseHarness,
) -> None:
    campaign = given_up(stepwise)

    assert not stepwise.ledger.campaigns.forget(campaign)
    assert not stepwise.ledger.campaigns.forget_bodies(campaign)
    stepwise.ledger.campaigns.finish(campaign)
    assert stepwise.ledger.campaigns.forget(campaign)
    assert list(stepwise.client.scan_iter(f"*{campaign}*")) == []


def test_a_recovery_rejects_all_of_a_chunk_that_it_gives_up(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.accepted(BATCHES)
    stepwise.preparing()
    stepwise.end_chunk_lease(campaign)

    stepwise.ledger.chunks.lease(campaign, "token", lease_ms=60_000, losses_allowed=1)

    assert stepwise.counts(campaign) == {"rejected": BATCHES}


# A move to another key


def moving(stepwise: StepwiseHarness, campaign: str, *, old: str = ACCOUNT, new: str = NEW) -> Rekeyed:
    """Begin to move a campaign to another key of the same account at BSG."""
    stepwise.client.hset(f"bsg:account:{old}:key", mapping={"address": "address", "bsg_account": "208"})
    return stepwise.ledger.keys.begin_to_rekey(
        campaign, old=old, account=new, name=DEFAULT_ACCOUNT, address="address", bsg_account="208", by="worker"
    ).kind


def in_indexes(stepwise: StepwiseHarness, account: str) -> dict[str, set[str]]:
    """Return the batches in each index of an account."""
    indexes = (DueIndex.LEASES, DueIndex.DOUBT, DueIndex.LIVE, DueIndex.NEEDS_OPERATOR)
    return {
        index.value: members
        for index in indexes
        if (members := set(stepwise.ledger.due_indexes.members(index, account=account)))
    }


def test_a_move_that_dies_between_two_steps_is_due_for_upkeep_which_finishes_it(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    sent = {stepwise.submitted(campaign, bsg_id).batch for bsg_id in range(1, BATCHES + 1)}

    assert moving(stepwise, campaign) is Rekeyed.MOVED
    assert stepwise.scripts.step("rekey_some", campaign) == "more"
    half = in_indexes(stepwise, NEW)["live"], in_indexes(stepwise, ACCOUNT)["live"]
    due = stepwise.unfinished()
    stepwise.ledger.campaigns.finish(campaign)

    assert (len(half[0]), half[0] | half[1]) == (2, sent)
    assert due == [campaign]
    assert stepwise.unfinished() == []
    assert in_indexes(stepwise, NEW) == {"live": sent}
    assert in_indexes(stepwise, ACCOUNT) == {}
    assert sorted(stepwise.ledger.reading.owned(ACCOUNT)) == []
    assert len(list(stepwise.ledger.reading.owned(NEW))) == BATCHES


def test_what_changes_between_two_steps_of_a_move_is_not_undone_by_the_next(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    found, resolved, lost = (stepwise.unconfirmed(campaign) for _ in range(3))
    assert stepwise.absent(resolved, window_ms=0) == "needs_operator"
    moving(stepwise, campaign)

    assert stepwise.taken(campaign, found.batch.number, 7) == "submitted"
    assert stepwise.ledger.batches.resolve_not_sent(resolved.batch) == "pending"
    stepwise.ledger.campaigns.finish(campaign)

    assert in_indexes(stepwise, NEW) == {"live": {found.batch}, "doubt": {lost.batch}}
    assert in_indexes(stepwise, ACCOUNT) == {}


def test_a_sweep_that_dies_between_two_steps_leaves_the_other_leases_to_the_next(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    leases = [stepwise.posting(campaign, token=f"token-{number}") for number in range(BATCHES)]
    for lease in leases:
        stepwise.end_lease(lease)

    assert len(stepwise.scripts.run("take_back", ACCOUNT, 2)) == 2
    assert stepwise.counts(campaign) == {"posting": BATCHES - 2, "unconfirmed": 2}
    assert len(stepwise.ledger.batches.take_back(ACCOUNT)) == BATCHES - 2
    assert stepwise.counts(campaign) == {"unconfirmed": BATCHES}


def test_a_batch_that_is_sent_between_two_steps_of_a_move_is_leased_for_the_new_key_alone(
    stepwise: StepwiseHarness,
) -> None:
    campaign = stepwise.campaign()
    first = stepwise.posting(campaign)
    moving(stepwise, campaign)
    stepwise.end_lease(first)

    assert stepwise.ledger.batches.take_back(ACCOUNT) == [first.batch]
    second = stepwise.posting(campaign, account=NEW, token="new")
    stepwise.ledger.campaigns.finish(campaign)

    assert in_indexes(stepwise, NEW) == {"leases": {second.batch}, "doubt": {first.batch}}
    assert in_indexes(stepwise, ACCOUNT) == {}
    assert stepwise.counts(campaign) == {"posting": 1, "unconfirmed": 1, "pending": BATCHES - 2}


def test_a_cancel_between_two_steps_of_a_move_stops_all_that_is_at_bsg_for_the_new_key(
    stepwise: StepwiseHarness,
) -> None:
    campaign = stepwise.campaign()
    for bsg_id in range(1, BATCHES + 1):
        stepwise.submitted(campaign, bsg_id)
    moving(stepwise, campaign)
    stepwise.scripts.step("rekey_some", campaign)

    stepwise.ledger.campaigns.cancel(campaign)

    stops = stepwise.ledger.due_indexes.members(DueIndex.STOPS, account=NEW)
    assert sorted(map(int, stops)) == list(range(1, BATCHES + 1))
    assert stepwise.ledger.due_indexes.members(DueIndex.STOPS, account=ACCOUNT) == []
    assert stepwise.unfinished() == []


def test_a_campaign_that_is_moving_moves_on_once_all_of_it_was_carried(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    sent = {stepwise.submitted(campaign, bsg_id).batch for bsg_id in range(1, BATCHES + 1)}
    moving(stepwise, campaign)

    assert moving(stepwise, campaign, old=NEW, new="third") is Rekeyed.UNFINISHED
    stepwise.ledger.campaigns.finish(campaign)
    assert moving(stepwise, campaign, old=NEW, new="third") is Rekeyed.MOVED
    stepwise.ledger.campaigns.finish(campaign)

    assert in_indexes(stepwise, "third") == {"live": sent}
    assert [in_indexes(stepwise, account) for account in (ACCOUNT, NEW)] == [{}, {}]


def test_a_campaign_that_is_moving_is_not_forgotten(stepwise: StepwiseHarness) -> None:
    campaign = stepwise.campaign()
    stepwise.polled(stepwise.submitted(campaign), "done", final=True)
    stepwise.ledger.campaigns.cancel(campaign)
    moving(stepwise, campaign)

    assert not stepwise.ledger.campaigns.forget(campaign)
    stepwise.ledger.campaigns.finish(campaign)
    assert stepwise.ledger.campaigns.forget(campaign)
    assert list(stepwise.client.scan_iter(f"*{campaign}*")) == []
    assert in_indexes(stepwise, ACCOUNT) == in_indexes(stepwise, NEW) == {}


def test_what_begins_while_somebody_reads_that_nothing_has_begun_keeps_the_campaign_with_the_old_key(
    stepwise: StepwiseHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = stepwise.campaign()
    dispatched = stepwise.posting(campaign)
    stepwise.withdraw(dispatched)
    keys, sent = stepwise.ledger.keys, list[Send]()

    def read_and_sent_meanwhile(campaign_id: str) -> list[str]:
        found = Keys._begun(keys, campaign_id)
        if not sent:
            sent.append(stepwise.posting(campaign))
        return found

    monkeypatch.setattr(keys, "_begun", read_and_sent_meanwhile)
    rekeying = keys.rekey(
        campaign, old=ACCOUNT, account=NEW, name=DEFAULT_ACCOUNT, address="address", bsg_account="", by="operator"
    )

    assert rekeying == Rekeying(Rekeyed.BEGUN, (sent[0].batch,))
    assert stepwise.ledger.reading.account_of(campaign)[0] == ACCOUNT
