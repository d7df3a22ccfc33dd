"""Pause, resume and cancel streams: that concerns their open campaigns, and those that begin later."""

from __future__ import annotations

from collections.abc import Sequence

from bsg_broker.wakeups import Wakeups
from bsg_ledger.ledger import Ledger
from bsg_ledger.records import CampaignSummary
from bsg_messages.errors import CampaignInvalid
from bsg_producer.queue_errors import queue_errors
from bsg_producer.resuming import Cap, check_cap, resume


def pause_stream(ledger: Ledger, name: str) -> None:
    """Hold what has not been sent, and what is accepted from now on."""
    with queue_errors():
        ledger.streams.begin_paused(name, True)  # first, so that no campaign begins in between
        for campaign in _open_campaigns(ledger, name):
            ledger.campaigns.pause(campaign.campaign_id)


def resume_stream(ledger: Ledger, wakeups: Wakeups, name: str, max_cost: Cap, max_cost_per_day: Cap) -> None:
    """Continue a paused stream. Raise as `Stream.resume` does."""
    check_cap("max_cost", max_cost)  # first, so that nothing is changed
    check_cap("max_cost_per_day", max_cost_per_day)
    with queue_errors():
        ledger.streams.begin_paused(name, False)
        campaigns = _open_campaigns(ledger, name)
        capped = [_is_capped(ledger, campaign.campaign_id, max_cost, max_cost_per_day) for campaign in campaigns]
    for account_name in {campaign.account_name for campaign in campaigns}:
        wakeups.notify(account_name)
    for why in filter(None, capped):
        raise why


def cancel_stream(ledger: Ledger, name: str) -> tuple[int, int]:
    """End what is unsent, and stop the rest at BSG. Return how many messages end, and how many BSG has or may have."""
    with queue_errors():
        cancelled = [ledger.campaigns.cancel(one.campaign_id) for one in _open_campaigns(ledger, name)]
    known = [counts for counts in cancelled if counts is not None]
    return sum(unsent for unsent, _ in known), sum(gone for _, gone in known)


def _is_capped(ledger: Ledger, campaign_id: str, max_cost: Cap, max_cost_per_day: Cap) -> CampaignInvalid | None:
    """Resume the campaign. Return which cap forbids that, and why."""
    try:
        resume(ledger, campaign_id, max_cost, max_cost_per_day)
    except CampaignInvalid as invalid:
        return invalid
    return None


def _open_campaigns(ledger: Ledger, name: str) -> Sequence[CampaignSummary]:
    stream = ledger.stream_listing.stream(name)
    return () if stream is None else stream.campaigns
