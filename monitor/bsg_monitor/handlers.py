"""The page of a campaign, and the buttons on it."""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import tornado.web
from flower.views import BaseHandler

from bsg_config import clock
from bsg_ledger.operator_log import Press
from bsg_monitor import chart
from bsg_monitor.observer import BATCHES_LOOKED_INTO, REJECTS_LOOKED_INTO
from bsg_monitor.sources import Sources
from bsg_producer import CampaignInvalid, CampaignNotFound, CampaignUnreadable, QueueUnavailable
from bsg_producer.queue_errors import queue_errors

logger = logging.getLogger(__name__)

READ_ONLY = (
    "Flower is read-only. To control campaigns from here, start it with FLOWER_READ_ONLY=false (or --read_only=false) "
    "and a login; the command line does it as well."
)
DONE = {
    "pause": "Paused: what has not been sent is held.",
    "resume": "Resumed.",
    "cancel": "Cancelled: what was unsent will not be sent; the rest is stopped at BSG where that can still be.",
    "retry": "What was refused or had expired is sent again.",
}
MAX_DEADLINE_HOURS = 90 * 24


@contextmanager
def as_http_errors() -> Iterator[None]:
    """Raise tornado's errors for those of a read of the ledger."""
    try:
        yield
    except CampaignNotFound as error:
        raise tornado.web.HTTPError(404, str(error)) from None
    except CampaignUnreadable as error:
        raise tornado.web.HTTPError(503, str(error)) from None
    except QueueUnavailable as error:
        raise tornado.web.HTTPError(503, f"The ledger cannot be read: {error}") from None


class LedgerHandler(BaseHandler):  # type: ignore[misc]  # Flower is not typed
    """Flower's handler, with the ledger to read from, and stricter where Flower is lenient."""

    def initialize(self, sources: Sources) -> None:
        self.sources = sources

    def set_default_headers(self) -> None:
        # Not Flower's: with FLOWER_UNAUTHENTICATED_API it lets the pages of every other site read its own.
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "DENY")  # guard: page-in-no-frame
        self.set_header("Cache-Control", "no-store")  # guard: page-in-no-cache

    def check_xsrf_cookie(self) -> None:
        # Flower asks for the token only where a cookie is the login; a button that costs money asks always.
        super().check_xsrf_cookie()  # guard: other-sites-refused
        tornado.web.RequestHandler.check_xsrf_cookie(self)  # guard: token-always-checked

    @property
    def may_control(self) -> bool:
        return not self.application.options.read_only

    @property
    def operator(self) -> str:
        """Return the login of whoever asks; "" without one."""
        if isinstance(self.current_user, str):
            return self.current_user
        if not self.application.options.basic_auth:  # guard: login-was-checked
            return ""
        _, credentials = self.request.headers["Authorization"].split()  # as Flower, which has checked it, splits it
        return b64decode(credentials).decode().partition(":")[0]

    async def press(self, action: str, subject: str, act: Callable[[], Any]) -> Any:
        """Record that a button was pressed, and then act. Return what `act` returns."""
        press = Press(self.operator, self.request.remote_ip or "", action, subject)

        def recorded() -> Any:
            with queue_errors():
                self.sources.ledger.operator_log.note(press)  # guard: press-is-recorded
            return act()

        return await self.sources.snapshots.run(recorded)

    def page_asked_for(self) -> int:
        text = self.get_query_argument("page", "1")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 1

    async def read(self, key: tuple[Any, ...], read: Callable[[], Any]) -> Any:
        with as_http_errors():
            return await self.sources.snapshots.get(key, read)


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
            await self.press(action, campaign_id, self._step(campaign_id, action))
        except CampaignNotFound as error:
            raise tornado.web.HTTPError(404, str(error)) from None
        except CampaignUnreadable as error:
            raise tornado.web.HTTPError(503, str(error)) from None
        except QueueUnavailable as error:
            raise tornado.web.HTTPError(503, f"The ledger did not respond, so look again: {error}") from None
        except CampaignInvalid as error:
            self.set_status(400)
            await self.show(campaign_id, wrong=str(error))
            return
        logger.info("Campaign %s: %s, asked for by %s", campaign_id, action, self.request.remote_ip)
        self.redirect(f"{self.reverse_url('campaign', campaign_id)}?done={action}", status=303)

    def _step(self, campaign_id: str, action: str) -> Callable[[], object]:
        producer = self.sources.producer
        if action == "retry":
            hours = self.get_body_argument("hours", "")
            if not hours:
                return lambda: producer.retry(campaign_id)
            whole = len(hours) < 9 and hours.isascii() and hours.isdecimal()
            if not (whole and 0 < int(hours) <= MAX_DEADLINE_HOURS):
                raise tornado.web.HTTPError(400, f"A deadline is 1 to {MAX_DEADLINE_HOURS} hours from now.")
            deadline = clock.now() + timedelta(hours=int(hours))
            return lambda: producer.retry(campaign_id, deadline=deadline)
        steps: dict[str, Callable[[str], object]] = {
            "pause": producer.pause,
            "resume": producer.resume,
            "cancel": producer.cancel,
        }
        return lambda: steps[action](campaign_id)
