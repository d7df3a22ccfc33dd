"""Read campaigns from BSG's list: one request reads up to 500 of them."""

from __future__ import annotations

from collections.abc import Iterator, Set
from math import inf

from bsg_client.lists import NewestFirst
from bsg_client.responses import CampaignResponse
from bsg_config import clock
from bsg_worker.reconcile.lookup import ZONE_MARGIN
from bsg_worker.reconcile.spans import LISTABLE
from bsg_worker.row_requests import RowRequests
from bsg_worker.runtime import Runtime


def newest_campaigns(runtime: Runtime) -> NewestFirst[CampaignResponse]:
    """Return BSG's list of the account's campaigns, as far back as BSG lists them."""
    now = runtime.ledger.due_indexes.now()
    return runtime.client.newest_campaigns(now - LISTABLE, now + ZONE_MARGIN)


def read_back(
    newest: NewestFirst[CampaignResponse],
    requests: RowRequests,
    oldest: int,
    *,
    instead_of: float = inf,
    at_most: float = inf,
) -> Iterator[CampaignResponse]:
    """Yield the campaigns of the list's next pages until it has been read back to the number `oldest`.

    End before that if a request fails, or if the pages took as long as `instead_of` single requests would, or
    `at_most` seconds.
    """
    began, pages = clock.monotonic(), 0
    with requests.one():
        # guard: listed-back-to-oldest
        while not newest.ended and (newest.lowest is None or newest.lowest > oldest):
            took = clock.monotonic() - began
            # guard: listed-while-cheaper
            if pages and (took >= at_most or pages * requests.at_once(took / pages) >= instead_of):
                return
            yield from newest.page()
            pages += 1


def listed_campaigns(
    runtime: Runtime, requests: RowRequests, wanted: Set[int], *, instead_of: float = inf, at_most: float = inf
) -> dict[int, CampaignResponse]:
    """Return the wanted campaigns that BSG lists, fewer if the list ends before (see `read_back`).

    The newest come first, as those whose status changes are new, and an account may have thousands a day.
    """
    if not wanted:
        return {}
    campaigns = read_back(newest_campaigns(runtime), requests, min(wanted), instead_of=instead_of, at_most=at_most)
    return {campaign.id: campaign for campaign in campaigns if campaign.id in wanted}
