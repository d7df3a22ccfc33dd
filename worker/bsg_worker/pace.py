"""When to poll a batch at BSG again."""

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
    """Return the seconds until the next poll; None when nothing can change any more.

    Polls are frequent while the batch is being sent, and rare before its start. After its end, the gaps grow until the
    validity period ends, in which messages can still be delivered.
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
