"""Read campaigns from BSG's list: one request reads up to 500 of them."""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime

from bsg_client.responses import CampaignResponse
from bsg_worker.reconcile.lookup import ZONE_MARGIN
from bsg_worker.reconcile.spans import LISTABLE
from bsg_worker.row_requests import RowRequests
from bsg_worker.runtime import Runtime


def listed_campaigns(
    runtime: Runtime, requests: RowRequests, wanted: Set[int], oldest: datetime
) -> dict[int, CampaignResponse]:
    """Return the wanted campaigns that BSG lists, fewer if a request fails. None of them is older than `oldest`."""
    missing = set(wanted)
    listed: dict[int, CampaignResponse] = {}
    now = runtime.ledger.due_indexes.now()
    with requests.one():
        for response in runtime.client.campaigns(max(oldest - ZONE_MARGIN, now - LISTABLE), now + ZONE_MARGIN):
            if response.id in missing:
                missing.remove(response.id)
                listed[response.id] = response
            if not missing:
                break
    return listed
