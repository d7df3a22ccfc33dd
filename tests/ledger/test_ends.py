"""A campaign that ends is told in the step that ends it, once for each end."""

from __future__ import annotations

import pytest

from bsg_ledger.states import FINAL_CAMPAIGN_STATES
from tests.ledger.campaigns import HOUR_MS, LEASE_MS, Desk


def own_events(desk: Desk, campaign: str) -> list[str]:
    """What happened to the campaign itself, without its batches and parts."""
    return [
        f"{event.from_state} -> {event.to_state}"
        for event in desk.ledger.feed.after(None)
        if event.campaign_id == campaign and not event.batch
    ]


def last_event(desk: Desk, campaign: str) -> tuple[str, str]:
    *_, last = (event for event in desk.ledger.feed.after(None) if event.campaign_id == campaign)
    return last.batch, last.to_state


def test_a_campaign_ends_with_the_last_of_its_batches(desk: Desk) -> None:
    campaign = desk.prepared(2, 1)
    first, second = desk.submitted(campaign, 1), desk.submitted(campaign, 2)

    desk.polled(first, "done", final=True)
    before = own_events(desk, campaign)
    desk.polled(second, "done", final=True)

    assert before == [" -> accepted"]
    assert own_events(desk, campaign) == [" -> accepted", "running -> done"]
    assert last_event(desk, campaign) == ("", "done"), "behind the event of the batch that ended it"


def test_what_is_polled_again_after_the_end_ends_it_no_second_time(desk: Desk) -> None:
    campaign = desk.prepared(2)
    lease = desk.submitted(campaign)

    for _ in range(3):
        desk.polled(lease, "done", final=True)

    assert own_events(desk, campaign) == [" -> accepted", "running -> done"]


def test_a_campaign_of_which_all_is_rejected_has_failed(desk: Desk) -> None:
    campaign = desk.prepared(rejects=2)

    assert own_events(desk, campaign) == [" -> accepted", "running -> failed"]


def test_a_part_that_is_given_up_may_end_a_campaign(desk: Desk) -> None:
    campaign = desk.accepted(1)
    desk.leased_part(campaign)
    desk.end_part_lease(campaign)

    desk.ledger.parts.lease(campaign, "token", lease_ms=LEASE_MS, losses_allowed=1, timeout_ms=HOUR_MS)

    assert own_events(desk, campaign) == [" -> accepted", "running -> failed"]
    assert last_event(desk, campaign) == ("", "failed")


def test_a_cancel_that_leaves_nothing_ends_it_at_once(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.ledger.campaigns.pause(campaign)

    for _ in range(2):
        desk.ledger.campaigns.cancel(campaign)

    assert own_events(desk, campaign) == [
        *(" -> accepted", "running -> paused", "paused -> cancelling", "paused -> cancelled"),
    ]
    assert last_event(desk, campaign) == ("", "cancelled")


def test_a_cancelled_campaign_ends_when_bsg_has_ended_what_it_has(desk: Desk) -> None:
    campaign = desk.prepared(2, 1)
    lease = desk.submitted(campaign)

    desk.ledger.campaigns.cancel(campaign)
    before = own_events(desk, campaign)
    desk.polled(lease, "stopped", final=True)

    assert before == [" -> accepted", "running -> cancelling"]
    assert own_events(desk, campaign) == [*before, "running -> cancelled"]


def test_a_deadline_that_passes_ends_it(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.pass_deadline(campaign)

    desk.ledger.campaigns.expire(campaign)

    assert own_events(desk, campaign) == [" -> accepted", "running -> expired"]


def test_a_retry_opens_it_again_and_it_ends_again(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.pass_deadline(campaign)
    desk.ledger.campaigns.expire(campaign)

    desk.ledger.campaigns.retry(campaign, deadline_ms=desk.ledger.due_indexes.now_ms() + HOUR_MS)
    desk.polled(desk.submitted(campaign), "done", final=True)

    assert own_events(desk, campaign) == [
        *(" -> accepted", "running -> expired", "expired -> running", "running -> done"),
    ]


def test_a_late_id_opens_it_again(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.ledger.campaigns.cancel(campaign)

    desk.taken(campaign, 0, 7)

    assert own_events(desk, campaign)[-2:] == ["running -> cancelled", "cancelled -> running"]


def test_a_cancel_of_what_is_done_is_told_as_another_end(desk: Desk) -> None:
    campaign = desk.prepared(2)
    desk.polled(desk.submitted(campaign), "done", final=True)

    desk.ledger.campaigns.cancel(campaign)

    assert own_events(desk, campaign) == [" -> accepted", "running -> done", "done -> cancelled"]
    assert desk.state(campaign) == "cancelled"


@pytest.mark.parametrize("rejects", [0, 1])
@pytest.mark.parametrize("end", ["done", "expired", "failed", "cancelled"])
def test_the_feed_has_the_state_that_the_status_has(desk: Desk, end: str, rejects: int) -> None:
    campaign = desk.prepared(2, rejects=rejects)
    if end == "done":
        desk.polled(desk.submitted(campaign), "done", final=True)
    elif end == "expired":
        desk.pass_deadline(campaign)
        desk.ledger.campaigns.expire(campaign)
    elif end == "failed":
        lease = desk.posting(campaign)
        desk.ledger.batches.refused(lease, cause="no")
    else:
        desk.ledger.campaigns.cancel(campaign)

    assert (desk.state(campaign), last_event(desk, campaign)) == (end, ("", end))
    assert end in FINAL_CAMPAIGN_STATES
