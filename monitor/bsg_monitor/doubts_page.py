"""The page of all batches in doubt of an account: what an operator decides about many of them at once."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import tornado.web

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.settings_invalid import SettingsInvalid
from bsg_ledger.doubts import Doubt
from bsg_monitor.ledger_handler import NO_RESPONSE, READ_ONLY, LedgerHandler, as_http_errors
from bsg_producer import CampaignInvalid

logger = logging.getLogger(__name__)

MAX_SHOWN = 500
DONE = {
    "not-sent": "Resolved as not sent: {} batches. Any other was left alone, as it has moved on since it was shown.",
    "look-up": "Being looked up at BSG: {} batches. What BSG has of them counts as sent within seconds.",
}


class DoubtsHandler(LedgerHandler):
    """GET shows what each decision would do; POST does it, for what was shown and has not moved on since."""

    @tornado.web.authenticated
    async def get(self) -> None:
        account = self.get_query_argument("account", DEFAULT_ACCOUNT)
        since, until = self._time("since"), self._time("until")
        try:
            doubts = await self.read(
                ("doubts", account, since, until),
                lambda: self.sources.producer.doubts(account=account, since=since, until=until),
            )
        except (CampaignInvalid, SettingsInvalid) as error:
            raise tornado.web.HTTPError(400, str(error)) from None
        overview = await self.overview()
        done, count = self.get_query_argument("done", ""), self.get_query_argument("count", "")
        self.render(
            "campaigns_doubts.html",
            accounts=[one.name for one in overview.accounts],
            account=account,
            since=self.get_query_argument("since", ""),
            until=self.get_query_argument("until", ""),
            doubts=doubts[:MAX_SHOWN],
            more=max(0, len(doubts) - MAX_SHOWN),
            may_control=self.may_control,
            read_only=READ_ONLY,
            done_message=DONE[done].format(count) if done in DONE and count.isdecimal() else None,
        )

    @tornado.web.authenticated
    async def post(self) -> None:
        if not self.may_control:  # guard: decision-needs-permission
            raise tornado.web.HTTPError(403, READ_ONLY)
        action, account = self.get_body_argument("action", ""), self.get_body_argument("account", DEFAULT_ACCOUNT)
        if action not in DONE:
            raise tornado.web.HTTPError(400, "The decision is not-sent or look-up.")
        shown = frozenset(self.get_body_arguments("shown"))
        try:
            subject = f"{len(shown)} batches in doubt of {account}"
            with as_http_errors(NO_RESPONSE):
                count = await self.press(action, subject, lambda: self._decided(action, account, shown))
        except (CampaignInvalid, SettingsInvalid) as error:
            raise tornado.web.HTTPError(400, str(error)) from None
        logger.info("%d batches in doubt of %s: %s, asked for by %s", count, account, action, self.request.remote_ip)
        self.redirect(
            f"{self.reverse_url('campaigns-doubts')}?account={account}&done={action}&count={count}", status=303
        )

    def _decided(self, action: str, account: str, shown: frozenset[str]) -> int:
        producer = self.sources.producer
        chosen = [doubt for doubt in producer.doubts(account=account) if as_shown(doubt) in shown]
        if action == "look-up":
            producer.look_up(chosen, account=account)
            return len(chosen)
        resolvable = [doubt for doubt in chosen if doubt.may_be_resolved]
        return sum(one.changed for one in producer.resolve_all_not_sent(resolvable))

    def _time(self, name: str) -> datetime | None:
        text = self.get_query_argument(name, "")
        try:
            return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
        except ValueError:
            raise tornado.web.HTTPError(400, f"{name}: no date and time such as 2026-11-25T09:00, in UTC") from None


def as_shown(doubt: Doubt) -> str:
    """Return what names a batch as it was shown: one that was tried, or that became another decision's, has another
    name."""
    return f"{doubt.batch}:{doubt.attempts}:{doubt.if_not_sent if doubt.may_be_resolved else 'left alone'}"
