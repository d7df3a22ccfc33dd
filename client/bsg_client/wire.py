"""HTTP with BSG: one request and one response, bounded in time and size. It knows whether any of the body has left."""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy

import requests
import urllib3.exceptions

from bsg_client.request_deadline import RequestDeadline, WatchingAdapter
from bsg_config.account import Account

INTENT_TOO_OLD = "intent too old"
"""The cause when `may_leave` returned False."""

_CHUNK = 65_536
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)
_HEADERS = {
    "Accept": "application/json",
    # A compressed response could unpack to more than the bound.
    "Accept-Encoding": "identity",  # guard: nothing-compressed
    "User-Agent": "bsg-campaigns",
}


@dataclass(frozen=True, slots=True)
class Response:
    """The response of BSG, or of a gateway. `cut` is why the body is incomplete; None if it is complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    cut: str | None = None


@dataclass(frozen=True, slots=True)
class NoResponse:
    """No status came. `body_left`: BSG may have received some of the body."""

    body_left: bool
    cause: str


class HeldBack(Exception):
    """`may_leave` returned False."""


class StreamedBody:
    """A body in pieces, sent without joining them. The first read calls `may_leave`; after that `left` is true."""

    def __init__(self, pieces: tuple[bytes, ...], may_leave: Callable[[], bool]) -> None:
        self.left = False
        self._pieces = [memoryview(piece) for piece in pieces if piece]
        self._length = sum(map(len, self._pieces))
        self._may_leave = may_leave
        self._piece = self._position = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> StreamedBody:
        # requests treats an iterable as a stream, and then prefers `read`.
        return self

    def __next__(self) -> bytes:
        if chunk := self.read():
            return chunk
        raise StopIteration

    def read(self, size: int = _CHUNK) -> bytes:
        """Return the next bytes, at most `size` of them. Raise HeldBack if nothing may leave."""
        if not self.left:
            if not self._may_leave():  # guard: body-may-leave
                raise HeldBack
            self.left = True  # guard: body-left-known
        if self._piece == len(self._pieces):
            return b""
        piece = self._pieces[self._piece]
        chunk = bytes(piece[self._position : self._position + size])
        self._position += len(chunk)
        if self._position == len(piece):
            self._piece, self._position = self._piece + 1, 0
        return chunk


Observe = Callable[[Response | NoResponse], None]


def observe_nothing(response: Response | NoResponse) -> None:
    pass


class Wire:
    """Sends requests to one BSG host. Threads and forked processes may share it, not its connections.

    `observe` is called with the result of each request.
    """

    def __init__(self, account: Account, observe: Observe = observe_nothing) -> None:
        self._observe = observe
        self._base_url = account.bsg_base_url
        self._timeouts = (account.bsg_connect_timeout, account.bsg_read_timeout)
        # A proxy could not reach a sandbox on this machine's loopback. Only loopback may be used without TLS.
        loopback = self._base_url.startswith("http://")
        # guard: no-proxy-for-loopback
        self._proxies = {"no_proxy": "127.0.0.1,localhost,[::1],::1"} if loopback else None
        self._sessions = _Sessions()

    def request(
        self,
        method: str,
        path: str,
        *,
        authorisation: Mapping[str, str],
        body: StreamedBody | None = None,
        query: Mapping[str, str] | None = None,
        max_response_bytes: int,
    ) -> Response | NoResponse:
        """Make one request and return its response, within the sum of the connect and the read timeout.

        Redirects are not followed and nothing is repeated. A body is sent over a new connection: a server may close one
        that was kept alive just as the body leaves, which would be an avoidable doubt.
        """
        try:
            response = self._request(method, path, authorisation, body, query, max_response_bytes)
        except HeldBack:
            return NoResponse(body_left=False, cause=INTENT_TOO_OLD)
        self._observe(response)
        return response

    def _request(
        self,
        method: str,
        path: str,
        authorisation: Mapping[str, str],
        body: StreamedBody | None,
        query: Mapping[str, str] | None,
        max_response_bytes: int,
    ) -> Response | NoResponse:
        connect_timeout, read_timeout = self._timeouts
        session = self._sessions.for_body if body is not None else self._sessions.for_reading
        with RequestDeadline.bounded(connect_timeout + read_timeout, read_timeout) as deadline:
            try:
                response = session.request(
                    method,
                    self._base_url + path,
                    params=query,
                    data=body,
                    headers={"Content-Type": "application/json"} if body is not None else None,
                    auth=_Authorisation(authorisation),  # guard: netrc-ignored
                    timeout=self._timeouts,
                    stream=True,
                    proxies=self._proxies,  # guard: tls-verified
                )
                with response:
                    return _read(response, deadline, max_response_bytes)
            except HeldBack:
                raise
            except _FAILURES as error:
                return NoResponse(body is not None and body.left, _cause(error, deadline))
            except Exception as error:
                # No exception may hide that the body may have arrived.
                if body is None or not body.left:
                    raise
                # guard: unforeseen-after-body
                return NoResponse(body_left=True, cause=f"unforeseen {type(error).__name__}")
            finally:
                if body is not None:  # guard: own-connection-for-body
                    session.close()


def _read(response: requests.Response, deadline: RequestDeadline, longest: int) -> Response:
    body, cut = bytearray(), None
    try:
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > longest:  # guard: response-bounded
                cut = "response too long"
                break
    except _FAILURES as error:
        cut = _cause(error, deadline)  # guard: cut-by-failure
    # If only the end of the connection ends the body, a cut looks like the end.
    if cut is None and deadline.expired:  # guard: cut-by-time
        cut = _TOO_SLOW
    return Response(response.status_code, response.headers, bytes(body[:longest]), cut)


_TOO_SLOW = "request took too long"

_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (urllib3.exceptions.NameResolutionError, "name not found"),
    (ConnectionRefusedError, "connection refused"),
    (requests.exceptions.ConnectTimeout, "connect timeout"),
    (urllib3.exceptions.ReadTimeoutError, "read timeout"),
    (requests.exceptions.ReadTimeout, "read timeout"),
    (TimeoutError, "send timeout"),
    (requests.exceptions.ProxyError, "proxy failure"),
    (requests.exceptions.SSLError, "TLS failure"),
    (urllib3.exceptions.IncompleteRead, "response cut off"),
    (http.client.RemoteDisconnected, "connection closed"),
    (ConnectionResetError, "connection reset"),
    (http.client.HTTPException, "not HTTP"),
    (requests.exceptions.ContentDecodingError, "garbled response"),
    (requests.exceptions.ChunkedEncodingError, "response cut off"),
)


def _cause(error: BaseException, deadline: RequestDeadline) -> str:
    """Return a few words for the error. The libraries' own messages contain addresses, so they are not repeated."""
    if deadline.expired:
        return _TOO_SLOW
    chain = _chain(error)
    return next((words for kind, words in _CAUSES if any(isinstance(link, kind) for link in chain)), "connection lost")


def _chain(error: BaseException) -> list[BaseException]:
    # The libraries pass the cause on in three ways: as the cause, as an argument, and as `reason`.
    chain, waiting = list[BaseException](), [error]
    while waiting and len(chain) < 20:
        link = waiting.pop(0)
        if any(link is known for known in chain):
            continue
        chain.append(link)
        further = (link.__cause__, link.__context__, getattr(link, "reason", None), *link.args)
        waiting.extend(other for other in further if isinstance(other, BaseException))
    return chain


class _Authorisation(requests.auth.AuthBase):
    """Set the authentication header. Without an `auth` object, requests would use an entry of ~/.netrc."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


class _Session(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        self.headers.update(_HEADERS)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # guard: cookies-refused
        for scheme in ("http://", "https://"):
            self.mount(scheme, WatchingAdapter())

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # guard: redirect-not-followed
        # Even with `allow_redirects=False`, requests reads such a response whole to find its target.
        return None  # guard: redirect-not-read


class _Sessions(threading.local):
    """The sessions of one thread. A fork makes new ones, because two processes must never share a connection."""

    def __init__(self) -> None:
        self._make()

    def _make(self) -> None:
        self._process = os.getpid()
        self._for_body, self._for_reading = _Session(), _Session()

    @property
    def for_body(self) -> requests.Session:
        if self._process != os.getpid():
            self._make()
        return self._for_body

    @property
    def for_reading(self) -> requests.Session:
        if self._process != os.getpid():  # guard: fork-reconnects
            self._make()
        return self._for_reading
