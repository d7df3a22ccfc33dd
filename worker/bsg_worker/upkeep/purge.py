"""Delete data after the retention times."""

from __future__ import annotations

from bsg_worker.runtime import Runtime


def purge(runtime: Runtime) -> str:
    """Delete the bodies of closed campaigns after BODY_RETENTION, and whole campaigns after LEDGER_RETENTION."""
    now_ms, settings = runtime.ledger.due_indexes.now_ms(), runtime.settings
    forgotten = bodies = 0
    for campaign_id in runtime.ledger.due_indexes.closed_since(now_ms - int(settings.ledger_retention * 1000)):
        forgotten += runtime.ledger.campaigns.forget(campaign_id)
    closed = runtime.ledger.due_indexes.closed_since(now_ms - int(settings.body_retention * 1000))
    known = runtime.ledger.reading.bodies_forgotten(closed)
    for campaign_id in closed:
        if not known[campaign_id]:
            bodies += runtime.ledger.campaigns.forget_bodies(campaign_id)
    return f"forgot {forgotten} campaigns and the bodies of {bodies}" if forgotten or bodies else ""
