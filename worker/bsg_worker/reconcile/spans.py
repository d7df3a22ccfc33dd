"""List BSG's campaigns of a period. BSG lists at most three months at once, by times without a zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bsg_client.responses import CampaignResponse
from bsg_worker.reconcile.lookup import ZONE_MARGIN, Reads

LISTABLE = timedelta(days=85)  # GET /api/campaigns: three months at most
LISTED_AT_ONCE = timedelta(days=60)


def listed_between(reads: Reads, since: datetime, until: datetime) -> Iterator[CampaignResponse]:
    """Yield every campaign of the period once, and those of about a day around it. The caller checks exact times."""
    begin, end, known = since - ZONE_MARGIN, until + ZONE_MARGIN, set[int]()
    while begin < end:
        for response in reads.campaigns(begin, min(begin + LISTED_AT_ONCE, end)):  # guard: read-in-spans
            if response.id not in known:  # guard: span-overlap
                known.add(response.id)
                yield response
        begin += LISTED_AT_ONCE
