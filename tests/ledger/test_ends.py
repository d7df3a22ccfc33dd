"""A campaign's end is recorded in the step that ends it, once for each end."""

from __future__ import annotations

import pytest

from bsg_ledger.states import FINAL_CAMPAIGN_STATES
from tests.ledger.campaigns import HOUR_MS, LedgerHarness


def own_events(ledger_harness: LedgerHarness, campaign: str) -> list[str]:
    """Return what happened to the campaign itself, without its batches and chunks."""
    return [
        f"{event.from_state} -> {event.to_state}"
        for event in ledger_harness.ledger.feed.after(None)
        if event.campaign_id == campaign and not event.batch
    ]


def last_event(ledger_harness: LedgerHarness, campaign: str) -> tuple[str, str]:
    *_, last = (event for event in ledger_harness.ledger.feed.after(None) if event.campaign_id == campaign)
    return last.batch, last.to_state


def test_a_campaign_ends_with_the_last_of_its_batches(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2, 1)
    first, second = ledger_harness.submitted(campaign, 1), ledger_harness.submitted(campaign, 2)

    ledger_harness.polled(first, "done", final=True)
    before = own_events(ledger_harness, campaign)
    ledger_harness.polled(second, "done", final=True)

    assert before == [" -> accepted"]
    assert own_events(ledger_harness, campaign) == [" -> accepted", "running -> done"]
    assert last_event(ledger_harness, campaign) == ("", "done"), "behind the event of the batch that ended it"


def test_what_is_polled_again_after_the_end_ends_it_no_second_time(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    lease = ledger_harness.submitted(campaign)

    for _ in range(3):
        ledger_harness.polled(lease, "done", final=True)

    assert own_events(ledger_harness, campaign) == [" -> accepted", "running -> done"]


def test_a_campaign_of_which_all_is_rejected_has_failed(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(rejects=2)

    assert own_events(ledger_harness, campaign) == [" -> accepted", "running -> failed"]


def test_a_chunk_that_is_given_up_may_end_a_campaign(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(1)
    ledger_harness.preparing()
    ledger_harness.end_chunk_lease(campaign)

    ledger_harness.next(losses_allowed=1)

    assert own_events(ledger_harness, campaign) == [" -> accepted", "running -> failed"]
    assert last_event(ledger_harness, campaign) == ("", "failed")


def test_a_cancel_that_leaves_nothing_ends_it_at_once(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.campaigns.pause(campaign)

    for _ in range(2):
        ledger_harness.ledger.campaigns.cancel(campaign)

    assert own_events(ledger_harness, campaign) == [
        *(" -> accepted", "running -> paused", "paused -> cancelling", "paused -> cancelled"),
    ]
    assert last_event(ledger_harness, campaign) == ("", "cancelled")


def test_a_cancelled_campaign_ends_when_bsg_has_ended_what_it_has(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2, 1)
    lease = ledger_harness.submitted(campaign)

    ledger_harness.ledger.campaigns.cancel(campaign)
    before = own_events(ledger_harness, campaign)
    ledger_harness.polled(lease, "stopped", final=True)

    assert before == [" -> accepted", "running -> cancelling"]
    assert own_events(ledger_harness, campaign) == [*before, "running -> cancelled"]


def test_a_deadline_that_passes_ends_it(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.pass_deadline(campaign)

    ledger_harness.ledger.campaigns.expire(campaign)

    assert own_events(ledger_harness, campaign) == [" -> accepted", "running -> expired"]


def test_a_retry_opens_it_again_and_it_ends_again(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.pass_deadline(campaign)
    ledger_harness.ledger.campaigns.expire(campaign)

    ledger_harness.ledger.campaigns.retry(campaign, deadline_ms=ledger_harness.ledger.due_indexes.now_ms() + HOUR_MS)
    ledger_harness.polled(ledger_harness.submitted(campaign), "done", final=True)

    assert own_events(ledger_harness, campaign) == [
        *(" -> accepted", "running -> expired", "expired -> running", "running -> done"),
    ]


def test_a_late_id_opens_it_again(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.ledger.campaigns.cancel(campaign)

    ledger_harness.taken(campaign, 0, 7)

    assert own_events(ledger_harness, campaign)[-2:] == ["running -> cancelled", "cancelled -> running"]


def test_a_cancel_of_what_is_done_is_reported_as_another_end(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)
    ledger_harness.polled(ledger_harness.submitted(campaign), "done", final=True)

    ledger_harness.ledger.campaigns.cancel(campaign)

    assert own_events(ledger_harness, campaign) == [" -> accepted", "running -> done", "done -> cancelled"]
    assert ledger_harness.state(campaign) == "cancelled"


@pytest.mark.parametrize("rejects", [0, 1])
@pytest.mark.parametrize("end", ["done", "expired", "failed", "cancelled"])
def test_the_feed_has_the_state_that_the_status_has(ledger_harness: LedgerHarness, end: str, rejects: int) -> None:
    campaign = ledger_harness.prepared(2, rejects=rejects)
    if end == "done":
        ledger_harness.polled(ledger_harness.submitted(campaign), "done", final=True)
    elif end == "expired":
        ledger_harness.pass_deadline(campaign)
        ledger_harness.ledger.campaigns.expire(campaign)
    elif end == "failed":
        lease = ledger_harness.posting(campaign)
        ledger_harness.ledger.batches.refused(lease, cause="no")
    else:
        ledger_harness.ledger.campaigns.cancel(campaign)

    assert (ledger_harness.state(campaign), last_event(ledger_harness, campaign)) == (end, ("", end))
    assert end in FINAL_CAMPAIGN_STATES


def test_a_campaign_is_among_the_open_ones_until_it_ends_and_again_once_it_is_retried(
    ledger_harness: LedgerHarness,
) -> None:
    def open_campaigns() -> list[str]:
        return [campaign.campaign_id for campaign in ledger_harness.ledger.reading.open_campaigns()]

    campaign = ledger_harness.accepted(1)
    after_acceptance = open_campaigns()
    ledger_harness.pass_deadline(campaign)
    ledger_harness.ledger.campaigns.expire(campaign)
    after_end = open_campaigns()
    deadline_ms = ledger_harness.ledger.due_indexes.now_ms() + HOUR_MS
    ledger_harness.ledger.campaigns.retry(campaign, deadline_ms=deadline_ms)

    assert (after_acceptance, after_end, open_campaigns()) == ([campaign], [], [campaign])
