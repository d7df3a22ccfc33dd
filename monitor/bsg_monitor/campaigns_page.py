"""The page of all campaigns: filters, order and pages are in its address.

What is searched for comes in the body of a request. Somebody may write a phone there, and addresses are logged.
"""

from __future__ import annotations

import tornado.web

from bsg_monitor.campaign_view import ORDER_NAMES, STATES, CampaignView
from bsg_monitor.ledger_handler import LedgerHandler
from bsg_monitor.searches import MAX_SEARCHED_CHARACTERS

FORGOTTEN = "Flower does not know this search any more: search again."
NOT_INDEXED = (
    "Flower finds no phone, and no reference id of a campaign's message, because SEARCH_KEY is not set: set it for "
    "workers, beat and Flower."
)


class CampaignsHandler(LedgerHandler):
    """GET shows a page of campaigns; POST searches, and leads to the page of what was found."""

    @tornado.web.authenticated
    async def get(self) -> None:
        fields = ("state", "account", "order", "search")
        view = CampaignView.of({name: self.get_query_argument(name, "") for name in fields}, self.page_asked_for())
        text = self.sources.searches.get(view.search)
        listed = await self.read(("campaigns", view), lambda: self.sources.observer.campaigns(view, text))
        self.render(
            "campaigns.html",
            listed=listed,
            overview=listed.overview,
            view=view,
            states=STATES,
            orders=ORDER_NAMES,
            forgotten=FORGOTTEN if view.search and text is None else None,
            not_indexed=None if text is None or self.sources.indexes_messages else NOT_INDEXED,
            max_searched_characters=MAX_SEARCHED_CHARACTERS,
        )

    @tornado.web.authenticated
    async def post(self) -> None:
        text = self.get_body_argument("search", "")[:MAX_SEARCHED_CHARACTERS]
        query = CampaignView().query(search=self.sources.searches.put(text)) if text else ""
        self.redirect(self.reverse_url("campaigns") + query, status=303)
