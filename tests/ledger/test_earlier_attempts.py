"""The BSG campaign of an earlier attempt, found after that of a later one."""

from __future__ import annotations

from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.records import Batch
from tests.ledger.campaigns import ACCOUNT, LedgerHarness


def batch_of(ledger_harness: LedgerHarness, campaign: str) -> Batch:
    status = ledger_harness.ledger.reading.status(campaign)
    assert status is not None
    return status.batches[0]


def taken_earlier(
    ledger_harness: LedgerHarness,
    campaign: str,
    *,
    counted: int = 78,
    counts: int = 77,
    bsg_status: str = "done",
    **others: bool,
) -> str:
    return ledger_harness.ledger.batches.taken_earlier(
        BatchId.of(campaign, 0),
        account=ACCOUNT,
        counted=counted,
        counts=counts,
        bsg_status=bsg_status,
        next_poll_ms=1000,
        others={int(name[1:]): repeats for name, repeats in others.items()},
    )


def test_the_campaign_of_an_earlier_attempt_counts_and_the_later_one_that_repeats_it_is_stopped(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.submitted(campaign, 78)

    responses = [
        taken_earlier(ledger_harness, campaign, _78=True),
        taken_earlier(ledger_harness, campaign, counted=77, _78=True),
    ]

    batch = batch_of(ledger_harness, campaign)
    assert responses == ["recorded", "known"]
    assert (batch.bsg_campaign_id, list(batch.other_bsg_campaign_ids)) == (77, [78])
    assert (batch.bsg_status, batch.state) == ("done", "submitted")
    assert ledger_harness.ledger.due_indexes.members(DueIndex.STOPS, account=ACCOUNT) == ["78"]
    assert ledger_harness.ledger.reading.alarms() == 1


def test_two_campaigns_that_share_a_batchs_messages_are_stopped_by_a_cancel_alone(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.submitted(campaign, 78)

    taken_earlier(ledger_harness, campaign, counts=78, _77=False)

    assert ledger_harness.ledger.due_indexes.members(DueIndex.STOPS, account=ACCOUNT) == []
    ledger_harness.ledger.campaigns.cancel(campaign)
    assert ledger_harness.ledger.due_indexes.members(DueIndex.STOPS, account=ACCOUNT) == ["77", "78"]


def test_the_campaign_of_an_earlier_attempt_of_a_cancelled_campaign_is_stopped(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.submitted(campaign, 78)
    ledger_harness.ledger.campaigns.cancel(campaign)

    taken_earlier(ledger_harness, campaign, _78=False)

    assert ledger_harness.ledger.due_indexes.members(DueIndex.STOPS, account=ACCOUNT) == ["77", "78"]


def test_an_earlier_campaign_that_is_not_final_at_bsg_is_stopped_by_a_cancel_though_the_later_one_is(
    ledger_harness: LedgerHarness,
) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.polled(ledger_harness.submitted(campaign, 78), "done", final=True)

    taken_earlier(ledger_harness, campaign, bsg_status="scheduled", _78=True)
    ledger_harness.ledger.campaigns.cancel(campaign)

    assert sorted(ledger_harness.ledger.due_indexes.members(DueIndex.STOPS, account=ACCOUNT)) == ["77", "78"]
    assert ledger_harness.counts(campaign) == {"submitted": 2}


def test_what_counts_for_another_batch_or_does_not_count_any_more_changes_nothing(
    ledger_harness: LedgerHarness,
) -> None:
    another, campaign = ledger_harness.prepared(1), ledger_harness.prepared(2)
    ledger_harness.submitted(another, 77)
    ledger_harness.submitted(campaign, 78)

    responses = [
        taken_earlier(ledger_harness, campaign, _78=True),
        taken_earlier(ledger_harness, campaign, counted=79, counts=80, _78=True),
        taken_earlier(ledger_harness, ledger_harness.prepared(1), counts=80),
    ]

    assert responses == ["owned", "stale", "stale"]
    assert batch_of(ledger_harness, campaign).bsg_campaign_id == 78
    assert ledger_harness.ledger.reading.alarms() == 0
