"""The page of a campaign, and the buttons on it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import tornado.web

from bsg_config import clock
from bsg_monitor import chart
from bsg_monitor.ledger_handler import NO_RESPONSE, READ_ONLY, LedgerHandler, as_http_errors, whole_number
from bsg_monitor.observer import BATCHES_LOOKED_INTO, REJECTS_LOOKED_INTO
from bsg_producer import CampaignInvalid

logger = logging.getLogger(__name__)

DONE = {
    "pause": "Paused: what has not been sent is held.",
    "resume": "Resumed.",
    "cancel": "Cancelled: what was unsent will not be sent; the rest is stopped at BSG where that can still be.",
    "retry": "What was refused or had expired is sent again.",
}
MAX_DEADLINE_HOURS = 90 * 24


class CampaignHandler(LedgerHandler):
    @tornado.web.authenticated
    async def get(self, campaign_id: str) -> None:
        await self.show(campaign_id, done_message=DONE.get(self.get_query_argument("done", "")))

    async def show(self, campaign_id: str, *, done_message: str | None = None, wrong: str | None = None) -> None:
        page = self.page_asked_for()
        detail = await self.read(
            ("campaign", campaign_id, page), lambda: self.sources.observer.campaign(campaign_id, page)
        )
        self.render(
            "campaign.html",
            detail=detail,
            overview=detail.overview,
            drawn=chart.draw(
                detail.outlines, accepted_at=detail.shown.listed.summary.accepted_at, now=detail.overview.now
            ),
            may_control=self.may_control,
            may_read_rejects=self.sources.may_read_rejects(self.operator),
            read_only=READ_ONLY,
            done_message=done_message,
            wrong=wrong,
            batches_looked_into=BATCHES_LOOKED_INTO,
            rejects_looked_into=REJECTS_LOOKED_INTO,
        )


class ControlHandler(CampaignHandler):
    """POST only, with Flower's login and a token of the page; refused where Flower is read-only."""

    def prepare(self) -> None:
        if self.request.method != "POST":
            raise tornado.web.HTTPError(405)

    @tornado.web.authenticated
    async def post(self, campaign_id: str, action: str) -> None:
        if not self.may_control:  # guard: button-needs-permission
            raise tornado.web.HTTPError(403, READ_ONLY)
        try:
            with as_http_errors(NO_RESPONSE):
                await self.press(action, campaign_id, self._step(campaign_id, action))
        except CampaignInvalid as error:
            self.set_status(400)
            await self.show(campaign_id, wrong=str(error))
            return
        logger.info("Campaign %s: %s, asked for by %s", campaign_id, action, self.request.remote_ip)
        self.redirect(f"{self.reverse_url('campaign', campaign_id)}?done={action}", status=303)

    def _step(self, campaign_id: str, action: str) -> Callable[[], object]:
        producer = self.sources.producer
        if action == "retry":
            written = self.get_body_argument("hours", "")
            if not written:
                return lambda: producer.retry(campaign_id)
            hours = whole_number(written)
            if hours is None or not 0 < hours <= MAX_DEADLINE_HOURS:
                raise tornado.web.HTTPError(400, f"A deadline is 1 to {MAX_DEADLINE_HOURS} hours from now.")
            deadline = clock.now() + timedelta(hours=hours)
            return lambda: producer.retry(campaign_id, deadline=deadline)
        steps: dict[str, Callable[[str], object]] = {
            "pause": producer.pause,
            "resume": producer.resume,
            "cancel": producer.cancel,
        }
        return lambda: steps[action](campaign_id)
