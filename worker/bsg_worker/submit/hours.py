"""Record a campaign's next sending hours, once the previous ones are over."""

from __future__ import annotations

from bsg_ledger.times import to_datetime
from bsg_ledger.work import OpenHours
from bsg_messages.campaign_options import CampaignOptions
from bsg_worker.runtime import Runtime
from bsg_worker.submit.done import Done


def set_next_hours(runtime: Runtime, work: OpenHours) -> Done:
    """Record the campaign's current or next sending hours."""
    now = to_datetime(work.now_ms)
    try:
        span = CampaignOptions.from_json(work.options).hours(now)
    except ValueError:
        span = None  # unreadable options stop each batch later, when it is dispatched
    opens_ms, closes_ms = (0, 0) if span is None else (int(end.timestamp() * 1000) for end in span)
    runtime.ledger.campaigns.set_hours(
        work.campaign_id, closed_at_ms=work.closes_at_ms, opens_at_ms=opens_ms, closes_at_ms=closes_ms
    )
    if span is None or span[0] <= now:
        return Done("")
    return Done(f"{work.campaign_id} deferred {(span[0] - now).total_seconds():.0f} s: outside of its hours")
