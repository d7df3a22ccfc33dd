"""Delete data after the retention times, and compact what is closed."""

from __future__ import annotations

from bsg_config import clock
from bsg_worker.runtime import Runtime

COMPACT_AT_MOST_SECONDS = 60.0  # other tasks need the thread; the next tick continues


def purge(runtime: Runtime) -> str:
    """Delete the bodies of closed campaigns after BODY_RETENTION, and whole campaigns after LEDGER_RETENTION.

    Compact the others whose bodies are deleted, after COMPACT_AFTER.
    """
    ledger, settings = runtime.ledger, runtime.settings
    now_ms = ledger.due_indexes.now_ms()
    forgotten = bodies = compacted = 0
    for campaign_id in ledger.due_indexes.closed_before(now_ms - int(settings.ledger_retention * 1000)):
        forgotten += ledger.campaigns.forget(campaign_id)
    for campaign_id in ledger.compaction.closed_before(now_ms - int(settings.ledger_retention * 1000)):
        forgotten += ledger.compaction.forget(campaign_id)
    closed = ledger.due_indexes.closed_before(now_ms - int(settings.body_retention * 1000))
    known = ledger.reading.bodies_forgotten(closed)
    stop_at = clock.monotonic() + COMPACT_AT_MOST_SECONDS
    for campaign_id in closed:
        if not known[campaign_id]:
            bodies += ledger.campaigns.forget_bodies(campaign_id)
        elif clock.monotonic() < stop_at:
            compacted += ledger.compaction.compact(campaign_id, closed_for_ms=int(settings.compact_after * 1000))
    if not (forgotten or bodies or compacted):
        return ""
    return f"forgot {forgotten} campaigns and the bodies of {bodies}, compacted {compacted}"
