"""How soon a batch at BSG is worth another look."""

from __future__ import annotations

from datetime import datetime

FINAL = frozenset({"done", "stopped", "spam"})  # GET /api/campaigns/{id}: the statuses that end a campaign

FIRST_POLL_SECONDS = 5.0
SLOWEST_SECONDS = 600.0
SCHEDULED_SLOWEST_SECONDS = 3600.0
FIRST_GAP_AFTER_END_SECONDS = 60.0


def next_poll(
    status: str,
    *,
    interval: float,
    now: datetime,
    submitted_at: datetime,
    start_at: datetime | None,
    finished_at: datetime | None,
    validity_hours: int,
) -> float | None:
    """Return the seconds until the next look; None when nothing can change any more.

    Often while it is being sent; rarely while it waits for its hour; after its end at ever longer gaps for as long
    as messages can still be delivered, which is the validity period.
    """
    if status in FINAL:
        since_end = (now - (finished_at or now)).total_seconds()
        if since_end >= validity_hours * 3600:
            return None
        return max(FIRST_GAP_AFTER_END_SECONDS, interval, since_end / 2)
    if status == "scheduled" and start_at is not None and start_at > now:
        until_start = (start_at - now).total_seconds()
        return max(interval, min(until_start / 2, SCHEDULED_SLOWEST_SECONDS))
    begun = max(submitted_at, start_at or submitted_at)
    age = max(0.0, (now - begun).total_seconds())
    return max(interval, min(age / 20, SLOWEST_SECONDS))
