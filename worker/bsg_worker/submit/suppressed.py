"""Who is on the list of suppressed phones by now is taken out of a batch before it leaves."""

from __future__ import annotations

import json

from bsg_ledger.batches import BatchLease
from bsg_messages.bodies import rejected, without
from bsg_messages.preparation import SUPPRESSED
from bsg_worker.runtime import Runtime


def without_suppressed(runtime: Runtime, lease: BatchLease, body: bytes) -> str | None:
    """RowRequests the claimed batch's suppressed rows into rejects; return its new state, None: there was none."""
    rows = json.loads(body)
    listed = runtime.ledger.suppressions.among([str(row["phone"]) for row in rows])
    if not listed:
        return None
    places = {place: SUPPRESSED for place, row in enumerate(rows) if str(row["phone"]) in listed}
    indexes = runtime.ledger.reading.rows(lease.campaign_id, lease.batch)
    rest, rest_rows = without(rows, indexes, set(places), runtime.cipher)
    return runtime.ledger.batches.rows_suppressed(
        lease, rest=rest, rest_rows=rest_rows, rejects=rejected(rows, indexes, places)
    )
