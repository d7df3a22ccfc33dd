"""Which campaigns the table shows, and in which order: what the address of the page says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from bsg_ledger.listing import CampaignHead
from bsg_ledger.states import CampaignState

LIVE, PAUSED = "live", "paused"
STATES = (LIVE, PAUSED, *(state.value for state in CampaignState if state is not CampaignState.COLLECTING))

ORDERS: Mapping[str, Callable[[CampaignHead], Any]] = {
    "accepted": lambda head: head.summary.accepted_at,
    "name": lambda head: head.summary.name.casefold(),
    "state": lambda head: head.summary.state.value,
    "messages": lambda head: head.summary.messages,
    "rejected": lambda head: head.summary.counts["rejected"],
    "cost": lambda head: head.cost,
}
NEWEST_FIRST = "-accepted"
ORDER_NAMES = {
    NEWEST_FIRST: "newest first",
    "accepted": "oldest first",
    "name": "name",
    "-name": "name, from the end",
    "state": "state",
    "-state": "state, from the end",
    "-messages": "most messages first",
    "messages": "fewest messages first",
    "-rejected": "most rejects first",
    "rejected": "fewest rejects first",
    "-cost": "most expensive first",
    "cost": "cheapest first",
}


@dataclass(frozen=True, slots=True)
class CampaignView:
    """`state` and `account`: "" for all. `order`: a name of ORDERS; with "-", descending. `search`: names a search."""

    state: str = ""
    account: str = ""
    order: str = NEWEST_FIRST
    search: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str], page: int = 1) -> CampaignView:
        """Return what the address says. Unknown values count as none.

        >>> CampaignView.of({"state": "live", "order": "by colour"})
        CampaignView(state='live', account='', order='-accepted', search='', page=1)
        """
        state, order = query.get("state", ""), query.get("order", "")
        return cls(
            state=state if state in STATES else "",
            account=query.get("account", ""),
            order=order if order in ORDER_NAMES else NEWEST_FIRST,
            search=query.get("search", ""),
            page=page,
        )

    @property
    def is_plain(self) -> bool:
        """Return whether it has every campaign, the newest first."""
        return replace(self, page=1) == CampaignView()

    @property
    def is_filtered(self) -> bool:
        return bool(self.state or self.account or self.search)

    def query(self, **changes: Any) -> str:
        """Return the query of the address with some changes. A change other than of the page goes to the first page.

        >>> CampaignView(state="live", page=3).query(order="-cost")
        '?state=live&order=-cost'
        """
        changed = replace(self, **{"page": 1, **changes})
        default = CampaignView()
        fields = ((name, getattr(changed, name)) for name in ("state", "account", "order", "search", "page"))
        return "?" + urlencode(
            [(name, value) for name, value in fields if name in changes or value != getattr(default, name)]
        )

    def sorts_by(self, column: str) -> str:
        """Return the `aria-sort` of a column."""
        return {column: "ascending", f"-{column}": "descending"}.get(self.order, "none")

    def order_after(self, column: str) -> str:
        """Return the order that a click on a column chooses: numbers and times begin with the largest."""
        first = column if column in ("name", "state") else f"-{column}"
        second = column if first.startswith("-") else f"-{column}"
        return second if self.order == first else first

    def has(self, head: CampaignHead) -> bool:
        """Return whether the campaign passes the filters, without the search."""
        summary = head.summary
        if self.account and summary.account_name != self.account:
            return False
        if self.state == LIVE:
            return not summary.state.final
        if self.state == PAUSED:
            return summary.paused and not summary.state.final
        return not self.state or summary.state == self.state

    def sorted(self, heads: list[CampaignHead]) -> list[CampaignHead]:
        """Return the campaigns, of which the newest come first, in this order."""
        descending = self.order.startswith("-")
        return sorted(heads, key=ORDERS[self.order.removeprefix("-")], reverse=descending)
