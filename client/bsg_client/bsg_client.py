"""The client of BSG One API."""

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
_MAX_LIST = 8 << 20  # 500 messages with Cyrillic texts as \\uXXXX exceed one mebibyte
_STOP_LIST_ROWS = 500  # BSG's maximum for a page
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
        """Log in unless there is a token. Raise ReadFailed and RedisError."""
        self._access.headers()

    def bsg_account(self) -> str:
        """Return a digest of BSG's own account, as its last login named it; "" if unknown. Raise RedisError."""
        return self._access.bsg_account()

    def send_individual(
        self, messages_array: bytes, options: Mapping[str, Any], may_leave: Callable[[], bool]
    ) -> Outcome:
        """Create a campaign from a JSON array of messages and `options`, the other fields of the request.

        The array is sent unchanged. `may_leave` is called just before the first byte of the body leaves, and again
        before a second attempt with a renewed token. If it returns False, nothing leaves and the outcome is "not
        taken". Failures of BSG, the network or Redis raise nothing.
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
            # Redis failed before the first attempt, or after a 401. Nothing was taken either way.
            return _NO_TOKEN

    def campaign(self, bsg_id: int) -> CampaignDetail:
        """Return a campaign's details. Raise ReadFailed. BSG: GET /api/campaigns/{id}/detail."""
        data = data_of(self._get(f"/api/campaigns/{bsg_id:d}/detail", {}))
        detail = campaign_detail(data, bsg_id)
        if detail is None or whole_number(data.get("id", bsg_id)) != bsg_id:  # guard: details-of-campaign
            raise ReadFailed("not the documented response", status=200)
        return detail

    def campaigns(self, since: datetime, until: datetime) -> Iterator[CampaignResponse]:
        """Yield the campaigns of a period of three months at most, oldest first, reading pages on demand.

        BSG may ignore the period, so check the times. Raise ReadFailed. BSG: GET /api/campaigns.
        """
        return listed(partial(self._get, "/api/campaigns"), self._of_period(since, until), campaign_response)

    def newest_campaigns(self, since: datetime, until: datetime) -> NewestFirst[CampaignResponse]:
        """Return the campaigns of a period of three months at most, the newest first, a page at a time.

        BSG: GET /api/campaigns.
        """
        get, query = partial(self._get, "/api/campaigns"), self._of_period(since, until)
        return NewestFirst(get, query, campaign_response, lambda campaign: campaign.id)

    def messages(self, campaign_id: int | None = None, reference_id: str | None = None) -> Iterator[MessageRow]:
        """Yield the messages of a campaign, or with a reference id, reading pages on demand.

        BSG may ignore the filter, so check the rows. Raise ReadFailed. BSG: GET /api/messages.
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
        """Return the account's balance. Raise ReadFailed. BSG: GET /api/accounts/balance."""
        balance = balance_response(data_of(self._get("/api/accounts/balance", {})))
        if balance is None:
            raise ReadFailed("not the documented response", status=200)
        return balance

    def senders(self) -> list[Sender]:
        """Return the account's registered SMS senders. Raise ReadFailed. BSG: GET /api/senders."""
        rows = data_of(self._get("/api/senders", {"type": "sms"}))
        if not isinstance(rows, list):
            raise ReadFailed("not the documented response", status=200)
        return [sender for row in rows if (sender := sender_response(row)) is not None]

    def stop_list(self, offset: int) -> StopListPage:
        """Return 500 rows of the SMS stop list from an offset on. Raise ReadFailed. BSG: GET /api/stoplist."""
        query = {"type": "sms", "page[offset]": f"{offset:d}", "page[limit]": f"{_STOP_LIST_ROWS:d}"}
        page = stop_list_page(self._get("/api/stoplist", query))
        if page is None:
            raise ReadFailed("not the documented response", status=200)
        return page

    def attach_to_stop_list(self, phones: Sequence[int]) -> None:
        """Add up to 1 000 phones to the SMS stop list. It is safe to repeat. Raise ReadFailed.

        BSG: POST /api/stoplist/attach.
        """
        order = json.dumps({"phones": list(phones), "types": ["sms"]}).encode()
        usable(self._asked("POST", "/api/stoplist/attach", {}, order))

    def price(self, *, sender: str, text: str, phones: Sequence[int], tariff_code: int) -> Price:
        """Return the price of one text to these phones, 10 000 at most. Nothing is sent. Raise ReadFailed.

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
        """Ask BSG to stop a campaign. It is safe to repeat. Return the campaign's status after that.

        Return None if BSG refuses (422) or responds with another campaign. Then read the campaign's status. Raise
        ReadFailed. BSG: PATCH /api/campaigns/{id}/stop.
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
        """Make an attempt. If BSG refuses its token, make one more with a new token, and no third."""
        headers = self._access.headers()
        response = attempt(headers)
        if not isinstance(response, Response) or response.status != _UNAUTHORISED:  # guard: only-new-token-repeats
            return response
        renewed = self._access.renewed(headers)
        if renewed is None:
            return response
        before_second()  # guard: second-post-slot
        return attempt(renewed)

    def _of_period(self, since: datetime, until: datetime) -> dict[str, str]:
        return {"filter[type]": "sms", "filter[from]": self._printed(since), "filter[to]": self._printed(until)}

    def _printed(self, moment: datetime) -> str:
        if moment.tzinfo is None:
            raise ValueError("a time without a zone")
        return moment.astimezone(self._zone).strftime(_MOMENT)


def _without_access(failure: ReadFailed) -> Outcome:
    """Return the outcome of a failed login. Without a token nothing was taken."""
    if failure.account_reason is not None:
        kind = OutcomeKind.ACCOUNT_CLOSED
    elif failure.throttled:
        kind = OutcomeKind.THROTTLED
    else:
        kind = OutcomeKind.NOT_TAKEN
    return Outcome(kind, failure.cause, retry_after=failure.retry_after, account_reason=failure.account_reason)
