"""From a request to its response: authentication, faults, and the handler of its address."""

from __future__ import annotations

import re
import time
from email.utils import formatdate
from threading import Event
from typing import Any

from bsg_sandbox import creating, reading, senders, statistics_jobs, stoplist
from bsg_sandbox.accounts import Account
from bsg_sandbox.control_address import PREFIX, respond_to_control
from bsg_sandbox.faults import Struck
from bsg_sandbox.responses import (
    DUPLICATE_NOTICE,
    TOO_MANY_REQUESTS,
    Ending,
    Head,
    Refused,
    Response,
    json_response,
    message_response,
    old_style,
    parsed_object,
)
from bsg_sandbox.state import RequestSeen, SandboxState

_JOB = re.compile(r"/api/stat/jobs/([^/]+)")
_CAMPAIGN = re.compile(r"/api/campaigns/(\d{1,18})(/detail|/stop)?", re.ASCII)
_CREATES = {
    "/api/campaigns/sms/send-individual": creating.send_individual,
    "/api/campaigns/sms/send": creating.send,
    "/api/campaigns/price": creating.price,
}
_LISTS = {"/api/campaigns": reading.campaigns, "/api/messages": reading.messages}
_ACCOUNT = {"/api/accounts/balance": reading.balance, "/api/accounts/tariff": reading.tariff}
_OTHERS = {
    ("GET", "/api/senders"): senders.listed,
    ("GET", "/api/stoplist"): stoplist.items,
    ("GET", "/api/stoplist/search"): stoplist.search,
    ("POST", "/api/stoplist/attach"): stoplist.attach,
    ("POST", "/api/stoplist/detach"): stoplist.detach,
    ("GET", "/api/stat/jobs"): statistics_jobs.listed,
    ("POST", "/api/stat/jobs"): statistics_jobs.create,
}
_OF_JOB = {"GET": statistics_jobs.show, "DELETE": statistics_jobs.delete}
# BSG's document has the 429 "Too many duplicate request detected" for these.
_CAN_BE_DUPLICATE = frozenset({*_CREATES, "/api/stoplist/attach", "/api/stoplist/detach"})
_UNAUTHENTICATED = "Unauthenticated."


class Routes:
    """The application: BSG's addresses and the control address."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state
        self.stopping = Event()

    def open(self, head: Head) -> ControlRequest | ApiRequest:
        """Return the handler of a request whose headers have arrived."""
        return ControlRequest(self, head) if head.path.startswith(PREFIX) else ApiRequest(self, head)


class ControlRequest:
    """A request to the control address. It is not logged, and no fault happens to it."""

    upload_limit: int | None = None

    def __init__(self, routes: Routes, head: Head) -> None:
        self._state, self._head = routes.state, head

    def respond(self, body: bytes) -> Response:
        """Return the response."""
        return respond_to_control(self._state, self._head, body)

    def close(self, status: int | None) -> None:
        """Record nothing."""


class ApiRequest:
    """A request to BSG's API."""

    def __init__(self, routes: Routes, head: Head) -> None:
        self._state, self._head, self._stopping = routes.state, head, routes.stopping
        self._seen: RequestSeen = self._state.opened(head.method, head.path)
        self._is_login = head.path == "/api/auth/login"
        self._account = self._authenticated()
        self._struck = Struck()
        # A request that does not authenticate counts for no fault, so that `first=1` is the first one that does.
        if self._account is not None or head.path.startswith("/api/auth/"):
            self._struck = self._state.faults.strike(head.method, head.path)
        self._seen.struck = tuple(self._struck.by_kind)
        self.upload_limit: int | None = None
        if "cut_before" in self._struck:
            self.upload_limit = self._struck.option("cut_before", "after_bytes")

    def close(self, status: int | None) -> None:
        """Record the status of the response in the log; None if none was sent."""
        self._state.closed(self._seen, status)

    def respond(self, body: bytes) -> Response:
        """Return the response, as the faults of this request leave it."""
        self._stopping.wait(self._delay())
        try:
            self._fail_before()
            response = self._handled(body)
        except Refused as refusal:
            response = refusal.response
        return self._spoiled(response)

    def _delay(self) -> float:
        asked = float(self._struck.option("latency", "seconds")) if "latency" in self._struck else 0.0
        return asked + self._state.settings.latency

    def _authenticated(self) -> Account | None:
        headers = self._head.headers
        key = headers.get("x-api-key")
        if key is not None:
            return self._state.accounts.by_key.get(key)
        return self._state.accounts.of_token(_bearer(headers.get("authorization", "")), self._state.clock.now())

    def _fail_before(self) -> None:
        """Raise Refused for a fault that happens before the request is handled."""
        struck = self._struck
        if "cut_before" in struck:
            raise Refused(Response(0, ending=Ending.CUT))
        if "silence_before" in struck:
            pause = float(struck.option("silence_before", "seconds"))
            raise Refused(Response(0, ending=Ending.SILENCE, pause=pause))
        if "token_expired" in struck and not self._head.path.startswith("/api/auth/"):
            self._state.accounts.expire(_bearer(self._head.headers.get("authorization", "")))
            raise Refused(message_response(401, _UNAUTHENTICATED))
        if "throttle" in struck:
            raise Refused(_throttled(struck.option("throttle", "retry_after")))
        if "server_error_before" in struck:
            raise Refused(message_response(int(struck.option("server_error_before", "status")), "Server Error"))
        if "redirect" in struck:
            location = struck.option("redirect", "location") or self._head.path
            raise Refused(Response(int(struck.option("redirect", "status")), headers={"Location": location}))
        for kind, code in (("user_blocked", 2), ("no_funds", 8)):
            if kind in struck and not self._is_login:
                raise Refused(old_style(code, int(struck.option(kind, "status"))))
        if "http_200_error" in struck:
            options = struck.by_kind["http_200_error"]
            raise Refused(old_style(int(options["code"]), int(options["status"])))

    def _spoiled(self, response: Response) -> Response:
        """Return the response as the faults leave it that happen after the request has been handled."""
        struck = self._struck
        if response.ending is not Ending.WHOLE or response.status >= 400:
            return response
        if "cut_after" in struck:
            return Response(0, ending=Ending.CUT)
        if "silence_after" in struck:
            pause = float(struck.option("silence_after", "seconds"))
            return Response(0, ending=Ending.SILENCE, pause=pause)
        if "server_error_after" in struck:
            return message_response(int(struck.option("server_error_after", "status")), "Server Error")
        if "duplicate_notice_after" in struck:
            return message_response(429, DUPLICATE_NOTICE)
        if "endless_response" in struck:
            pause = float(struck.option("endless_response", "pause"))
            return Response(200, ending=Ending.ENDLESS, pause=pause)
        if "garbage_after" in struck:
            return _garbage(response, struck.option("garbage_after", "shape"))
        return response

    def _handled(self, body: bytes) -> Response:
        state, method, path = self._state, self._head.method, self._head.path
        if path in ("/api/auth/login", "/api/auth/refresh"):
            _allow(method, "POST")
            return self._login(parsed_object(body)) if self._is_login else self._refresh()
        account = self._account
        if account is None:
            raise Refused(self._unauthenticated())
        if account.blocked:
            raise Refused(old_style(2))
        state.hold_to_rate(account.key)
        window = state.settings.duplicate_request_window
        if window and path in _CAN_BE_DUPLICATE:
            state.store.refuse_repeated_request(account.key, path, body, state.clock.now(), window)
        if path in _CREATES:
            _allow(method, "POST")
            return _CREATES[path](state, account, body, self._struck)
        if path in _LISTS:
            _allow(method, "GET")
            return _LISTS[path](state, account, self._head.query, self._struck)
        if path in _ACCOUNT:
            _allow(method, "GET")
            return _ACCOUNT[path](state, account, self._head.query)
        return self._other(account, body)

    def _other(self, account: Account, body: bytes) -> Response:
        state, method, path = self._state, self._head.method, self._head.path
        methods = [known for known, address in _OTHERS if address == path]
        if methods:
            _allow(method, *methods)
            return _OTHERS[method, path](state, account, self._head.query, body)
        job = _JOB.fullmatch(path)
        if job is not None:
            _allow(method, *_OF_JOB)
            return _OF_JOB[method](state, account, job[1])
        return self._about_campaign(account)

    def _about_campaign(self, account: Account) -> Response:
        named = _CAMPAIGN.fullmatch(self._head.path)
        if named is None:
            raise Refused(message_response(404, "Not found."))
        handle: Any = {None: reading.campaign, "/detail": reading.detail, "/stop": reading.stop}[named[2]]
        _allow(self._head.method, "PATCH" if named[2] == "/stop" else "GET")
        response: Response = handle(self._state, account, int(named[1]), self._struck)
        return response

    def _login(self, body: dict[str, Any]) -> Response:
        state = self._state
        voids = state.settings.second_login_voids or "token_voided_by_second_login" in self._struck
        token = state.accounts.login(body.get("api_key"), state.clock.now(), state.settings, voids_others=voids)
        return old_style(1, 401) if token is None else json_response(200, {"bearer": token})

    def _refresh(self) -> Response:
        state = self._state
        presented = _bearer(self._head.headers.get("authorization", ""))
        token = state.accounts.refresh(presented, state.clock.now(), state.settings)
        return message_response(401, _UNAUTHENTICATED) if token is None else json_response(200, {"bearer": token})

    def _unauthenticated(self) -> Response:
        return old_style(1, 401) if "x-api-key" in self._head.headers else message_response(401, _UNAUTHENTICATED)


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _allow(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise Refused(message_response(405, "Method not allowed.", {"Allow": ", ".join(allowed)}))


def _throttled(retry_after: float | str | None) -> Response:
    headers: dict[str, str] = {}
    if retry_after == "date":
        headers["Retry-After"] = formatdate(time.time() + 2, usegmt=True)
    elif retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return message_response(429, TOO_MANY_REQUESTS, headers)


def _garbage(response: Response, shape: str) -> Response:
    if shape == "html":
        page = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
        return Response(200, page, {"Content-Type": "text/html"})
    if shape == "broken_json":
        return Response(200, response.body[: len(response.body) // 2], response.headers)
    if shape == "empty":
        return Response(200, b"", response.headers)
    if shape == "no_id":
        return json_response(200, {"data": {"status": "creation"}})
    return Response(200, response.body, response.headers, Ending.HALF)
