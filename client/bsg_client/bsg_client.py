"""BSG One API as the workers see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import redis
from redis.exceptions import RedisError

from bsg_client.access import Access, KeyAccess, TokenAccess, token_store
from bsg_client.classification import creation_outcome, usable
from bsg_client.lists import NewestFirst, listed
from bsg_client.outcomes import Outcome, OutcomeKind, ReadFailed
from bsg_client.responses import (
    Balance,
    CampaignDetail,
    CampaignResponse,
    MessageRow,
    Price,
    Sender,
    StopListPage,
    balance_response,
    campaign_detail,
    campaign_response,
    data_of,
    message_row,
    price_response,
    sender_response,
    stop_list_page,
    whole_number,
)
from bsg_client.statistics_jobs import StatisticsJobs
from bsg_client.tokens import TokenStore
from bsg_client.wire import NoResponse, Observe, Response, StreamedBody, Wire, observe_nothing
from bsg_config.account import Account

_UNAUTHORISED, _UNPROCESSABLE = 401, 422
_MAX_RESPONSE = 1 << 20
_MAX_LIST = 8 << 20  # 500 messages with Cyrillic texts, spelt \\uXXXX, pass one mebibyte
_STOP_LIST_ROWS = 500  # the most that BSG gives at once
_MOMENT = "%Y-%m-%d %H:%M:%S"
_NO_TOKEN = Outcome(OutcomeKind.NOT_TAKEN, "no token: Redis does not respond")


def _ask_nobody() -> None:
    pass


class BSGClient:
    """Requests to BSG for one account. Threads and forked processes may share it.

    `before_read` is called before every request of the reading methods, each page of a list included, so that a
    rate limit can delay it. Its exceptions propagate. `before_second_post` is called before `send_individual` makes
    its second attempt, with a new token, as its caller reserved one request only. It raises ReadFailed if the second
    request must not leave now. `observe` is called with the result of each request, logins included.
    """

    def __init__(
        self,
        account: Account,
        tokens: TokenStore | None,
        before_read: Callable[[], None] = _ask_nobody,
        before_second_post: Callable[[], None] = _ask_nobody,
        observe: Observe = observe_nothing,
    ) -> None:
        self._access: Access
        if account.bsg_auth == "api-key":
            self._access = KeyAccess(account.require_api_key())
        elif tokens is not None:
            self._access = TokenAccess(tokens)
        else:
            raise ValueError("bearer authentication needs a store for the token")
        self._zone = account.bsg_timezone
        self._before_read = before_read
        self._before_second_post = before_second_post
        self._wire = Wire(account, observe)
        self.statistics_jobs = StatisticsJobs(self._asked)

    @classmethod
    def connected(
        cls,
        account: Account,
        client: redis.Redis,
        before_read: Callable[[], None] = _ask_nobody,
        before_second_post: Callable[[], None] = _ask_nobody,
        observe: Observe = observe_nothing,
    ) -> BSGClient:
        """Return a client whose token is kept in that Redis. Raise SettingsInvalid when there is no key."""
        return cls(account, token_store(account, client, observe), before_read, before_second_post, observe)

    def has_access(self) -> bool:
        """Return whether a request needs no login first. Raise RedisError."""
        return self._access.is_known()

    def log_in(self) -> None:
        """Log in unless a token stands. Raise ReadFailed and RedisError."""
        self._access.headers()

    def bsg_account(self) -> str:
        """BSG's own account, by a digest, as its last login named it; else "". Asks BSG nothing.

        Raise RedisError.
        """
        return self._access.bsg_account()

    def send_individual(
        self, messages_array: bytes, options: Mapping[str, Any], may_leave: Callable[[], bool]
    ) -> Outcome:
        """Creates a campaign of a JSON array of messages and the other fields of the request, `options`.

        The array goes out as it is. Just before the body's first byte leaves, `may_leave` is asked, and again
        before a second attempt with a renewed token; when it says no, nothing leaves and the outcome is
        "not taken". Nothing that BSG, the network or Redis does is raised.
        BSG: POST /api/campaigns/sms/send-individual.
        """
        if "messages" in options:
            raise ValueError("the messages are given apart from the options")
        rest = json.dumps(dict(options)).encode()[1:]
        pieces = (b'{"messages":', messages_array, b"," if options else b"", rest)

        def attempt(headers: Mapping[str, str]) -> Response | NoResponse:
            return self._wire.request(
                "POST",
                "/api/campaigns/sms/send-individual",
                authorisation=headers,
                body=StreamedBody(pieces, may_leave),
                max_response_bytes=_MAX_RESPONSE,
            )

        try:
            return creation_outcome(self._authorised(attempt, self._before_second_post))
        except ReadFailed as failure:
            return _without_access(failure)  # guard: no-token-nothing-taken
        except RedisError:
            # Ping before the first attempt, or after a 401: either way nothing was taken.
            return _NO_TOKEN

    def campaign(self, bsg_id: int) -> CampaignDetail:
        """One campaign. Raise ReadFailed. BSG: GET /api/campaigns/{id}/detail."""
        data = data_of(self._get(f"/api/campaigns/{bsg_id:d}/detail", {}))
        detail = campaign_detail(data, bsg_id)
        if detail is None or whole_number(data.get("id", bsg_id)) != bsg_id:  # guard: details-of-campaign
            raise ReadFailed("not the documented response", status=200)
        return detail

    def campaigns(self, since: datetime, until: datetime) -> Iterator[CampaignResponse]:
        """Return the campaigns of a span of three months at most, oldest first, read page by page as they are taken.

        BSG may ignore the span: hold the times against it. Raise ReadFailed. BSG: GET /api/campaigns.
        """
        query = {
            "filter[type]": "sms",
            "filter[from]": self._printed(since),
            "filter[to]": self._printed(until),
        }
        return listed(partial(self._get, "/api/campaigns"), query, campaign_response)

    def messages(self, campaign_id: int | None = None, reference_id: str | None = None) -> Iterator[MessageRow]:
        """Return the messages of a campaign, or with a reference id, read page by page as they are taken.

        BSG may ignore the filter: hold the rows against it. Raise ReadFailed. BSG: GET /api/messages.
        """
        query = {}
        if campaign_id is not None:
            query["filter[campaign_id]"] = f"{campaign_id:d}"
        if reference_id is not None:
            query["filter[reference_id]"] = reference_id
        if not query:
            raise ValueError("messages are looked up by campaign or by reference id")
        return listed(partial(self._get, "/api/messages"), query, message_row)

    def newest_messages(self) -> NewestFirst[MessageRow]:
        """Return all messages of the account, the newest first, a page at a time. BSG: GET /api/messages."""
        return NewestFirst(partial(self._get, "/api/messages"), {}, message_row, lambda row: row.id)

    def balance(self) -> Balance:
        """Return what the account has left. Raise ReadFailed. BSG: GET /api/accounts/balance."""
        balance = balance_response(data_of(self._get("/api/accounts/balance", {})))
        if balance is None:
            raise ReadFailed("not the documented response", status=200)
        return balance

    def senders(self) -> list[Sender]:
        """Return the senders of SMS that the account has registered. Raise ReadFailed. BSG: GET /api/senders."""
        rows = data_of(self._get("/api/senders", {"type": "sms"}))
        if not isinstance(rows, list):
            raise ReadFailed("not the documented response", status=200)
        return [sender for row in rows if (sender := sender_response(row)) is not None]

    def stop_list(self, offset: int) -> StopListPage:
        """500 rows of the stop list of SMS from an offset on. Raise ReadFailed. BSG: GET /api/stoplist."""
        query = {"type": "sms", "page[offset]": f"{offset:d}", "page[limit]": f"{_STOP_LIST_ROWS:d}"}
        page = stop_list_page(self._get("/api/stoplist", query))
        if page is None:
            raise ReadFailed("not the documented response", status=200)
        return page

    def attach_to_stop_list(self, phones: Sequence[int]) -> None:
        """Add phones, 1 000 at most, to the stop list of SMS; to be repeated freely. Raise ReadFailed.

        BSG: POST /api/stoplist/attach.
        """
        order = json.dumps({"phones": list(phones), "types": ["sms"]}).encode()
        usable(self._asked("POST", "/api/stoplist/attach", {}, order))

    def price(self, *, sender: str, text: str, phones: Sequence[int], tariff_code: int) -> Price:
        """Return what one text to these phones would cost, 10 000 of them at most; nothing is sent. Raise ReadFailed.

        BSG: POST /api/campaigns/price.
        """
        asked = {
            "sender": sender,
            "text": text,
            "messages": [{"phone": phone} for phone in phones],
            "tariff_code": tariff_code,
        }
        price = price_response(usable(self._asked("POST", "/api/campaigns/price", {}, json.dumps(asked).encode())))
        if price is None:
            raise ReadFailed("not the documented response", status=200)
        return price

    def stop(self, bsg_id: int) -> str | None:
        """Tell BSG to stop a campaign; to be repeated freely. Return the status that BSG then gives it.

        None: BSG refuses (422), or does not respond with that campaign. That says nothing of the campaign: its status
        does. Raise ReadFailed. BSG: PATCH /api/campaigns/{id}/stop.
        """
        try:
            content = usable(self._asked("PATCH", f"/api/campaigns/{bsg_id:d}/stop", {}))
        except ReadFailed as failure:
            # guard: past-stopping
            if failure.status == _UNPROCESSABLE and not failure.throttled and failure.account_reason is None:
                return None
            raise
        campaign = campaign_response(data_of(content))
        # guard: stop-response-matches
        return campaign.status or None if campaign is not None and campaign.id == bsg_id else None

    def _get(self, path: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        content: Mapping[str, Any] = usable(self._asked("GET", path, query))
        return content

    def _asked(
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None = None
    ) -> Response | NoResponse:
        sent = None if body is None else StreamedBody((body,), lambda: True)

        def attempt(headers: Mapping[str, str]) -> Response | NoResponse:
            self._before_read()  # guard: read-asks-limiter
            return self._wire.request(
                method, path, authorisation=headers, query=query, body=sent, max_response_bytes=_MAX_LIST
            )

        try:
            return self._authorised(attempt)
        except RedisError as error:
            raise ReadFailed(_NO_TOKEN.cause) from error

    def _authorised(
        self,
        attempt: Callable[[Mapping[str, str]], Response | NoResponse],
        before_second: Callable[[], None] = _ask_nobody,
    ) -> Response | NoResponse:
        """Make a second attempt with a new token when that of the first is refused, and no third."""
        headers = self._access.headers()
        response = attempt(headers)
        if not isinstance(response, Response) or response.status != _UNAUTHORISED:  # guard: only-new-token-repeats
            return response
        renewed = self._access.renewed(headers)
        if renewed is None:
            return response
        before_second()  # guard: second-post-slot
        return attempt(renewed)

    def _printed(self, moment: datetime) -> str:
        if moment.tzinfo is None:
            raise ValueError("a time without a zone")
        return moment.astimezone(self._zone).strftime(_MOMENT)


def _without_access(failure: ReadFailed) -> Outcome:
    """Without a token nothing was taken, whatever the login came to."""
    if failure.account_reason is not None:
        kind = OutcomeKind.ACCOUNT_CLOSED
    elif failure.throttled:
        kind = OutcomeKind.THROTTLED
    else:
        kind = OutcomeKind.NOT_TAKEN
    return Outcome(kind, failure.cause, retry_after=failure.retry_after, account_reason=failure.account_reason)
