"""The page of the operators' log: who pressed which button."""

from __future__ import annotations

import tornado.web

from bsg_ledger.operator_log import LoggedPress
from bsg_monitor.ledger_handler import LedgerHandler
from bsg_producer.queue_errors import queue_errors

PRESSES_SHOWN = 200


class OperatorLogHandler(LedgerHandler):
    """GET shows the last presses; with `campaign`, those on that campaign."""

    @tornado.web.authenticated
    async def get(self) -> None:
        campaign_id = self.get_query_argument("campaign", "")

        def latest() -> list[LoggedPress]:
            with queue_errors():
                return self.sources.ledger.operator_log.latest(PRESSES_SHOWN, subject=campaign_id)

        presses = await self.read(("operators", campaign_id), latest)
        self.render(
            "campaigns_operators.html", presses=presses, campaign_id=campaign_id, overview=await self.overview()
        )
