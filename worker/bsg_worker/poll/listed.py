"""Read campaigns from BSG's list: one request reads up to 500 of them."""

from __future__ import annotations

from collections.abc import Set

from bsg_client.responses import CampaignResponse
from bsg_worker.reconcile.lookup import ZONE_MARGIN
from bsg_worker.reconcile.spans import LISTABLE
from bsg_worker.row_requests import RowRequests
from bsg_worker.runtime import Runtime


def listed_campaigns(runtime: Runtime, requests: RowRequests, wanted: Set[int]) -> dict[int, CampaignResponse]:
    """Return the wanted campaigns that BSG lists, fewer if a request fails.

    The newest come first, as those whose status changes are new, and an account may have thousands a day.
    """
    listed: dict[int, CampaignResponse] = {}
    now, oldest = runtime.ledger.due_indexes.now(), min(wanted, default=0)
    newest = runtime.client.newest_campaigns(now - LISTABLE, now + ZONE_MARGIN)
    with requests.one():
        # guard: listed-back-to-oldest
        while not newest.ended and len(listed) < len(wanted) and (newest.lowest is None or newest.lowest > oldest):
            listed.update((campaign.id, campaign) for campaign in newest.page() if campaign.id in wanted)
    return listed
