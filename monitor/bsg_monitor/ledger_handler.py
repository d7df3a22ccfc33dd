"""What all pages of the Campaigns tab have in common: the ledger, the login, the token, and the operators' log."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tornado.web
from flower.views import BaseHandler

from bsg_ledger.operator_log import Press
from bsg_monitor.observer import Overview
from bsg_monitor.sources import Sources
from bsg_producer import CampaignNotFound, CampaignUnreadable, QueueUnavailable
from bsg_producer.queue_errors import queue_errors

READ_ONLY = (
    "Flower is read-only. To control campaigns from here, start it with FLOWER_READ_ONLY=false (or --read_only=false) "
    "and a login; the command line does it as well."
)
NO_RESPONSE = "The ledger did not respond, so look again"


@contextmanager
def as_http_errors(unavailable: str = "The ledger cannot be read") -> Iterator[None]:
    """Raise tornado's errors for those of the ledger. `unavailable` begins the message if it does not respond."""
    try:
        yield
    except CampaignNotFound as error:
        raise tornado.web.HTTPError(404, str(error)) from None
    except CampaignUnreadable as error:
        raise tornado.web.HTTPError(503, str(error)) from None
    except QueueUnavailable as error:
        raise tornado.web.HTTPError(503, f"{unavailable}: {error}") from None


def whole_number(text: str) -> int | None:
    """Return the number of up to eight digits that somebody has written; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None


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
        page = whole_number(self.get_query_argument("page", "1"))
        return 1 if page is None else page

    async def overview(self) -> Overview:
        overview: Overview = await self.read(("overview",), self.sources.observer.overview)
        return overview

    async def read(self, key: tuple[Any, ...], read: Callable[[], Any]) -> Any:
        with as_http_errors():
            return await self.sources.snapshots.get(key, read)
