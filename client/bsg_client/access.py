"""Authenticate requests: by a bearer token from a login (API 2.0), or by the key itself (API 1.0)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Protocol

import redis

from bsg_client.classification import usable
from bsg_client.outcomes import AccountReason, ReadFailed
from bsg_client.responses import decode
from bsg_client.tokens import TokenStore
from bsg_client.wire import Observe, Response, StreamedBody, Wire, observe_nothing
from bsg_config import clock
from bsg_config.account import Account

_MAX_RESPONSE = 65_536
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")  # no character that could end a header line
_WRONG_KEY = frozenset({400, 401, 403, 422})
_SECONDS_OVER_THE_REQUEST = 5.0
_USED_FOR_SECONDS = 1.0  # saves a round trip to Redis before each request


class Access(Protocol):
    """Authentication headers, and their renewal when BSG does not accept them."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers. Raise ReadFailed, and RedisError if the token is kept in Redis."""

    def is_known(self) -> bool:
        """Return whether `headers` would return without a login. Raise RedisError."""

    def renewed(self, failed: Mapping[str, str]) -> Mapping[str, str] | None:
        """Return headers that replace the failed ones; None if there are none. Raise as `headers` does."""

    def bsg_account(self) -> str:
        """Return a digest of BSG's own account; "" if it is unknown. Ask BSG nothing. Raise RedisError."""


class KeyAccess:
    """Send the key with every request."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    def headers(self) -> Mapping[str, str]:
        return {"X-API-KEY": self._api_key}

    def is_known(self) -> bool:
        return True

    def renewed(self, failed: Mapping[str, str]) -> Mapping[str, str] | None:
        return None

    def bsg_account(self) -> str:
        return ""


class TokenAccess:
    """Send the token that all workers share. It is read again after `_USED_FOR_SECONDS`.

    If another worker has replaced the token meanwhile, `renewed` finds the new one: the request needs a second attempt,
    but no login.
    """

    def __init__(self, tokens: TokenStore) -> None:
        self._tokens = tokens
        self._read = ("", 0.0)  # the token, and the monotonic time until which it is used

    def headers(self) -> Mapping[str, str]:
        return self._headers_of(self._remembered() or self._tokens.token())

    def is_known(self) -> bool:
        token = self._remembered() or self._tokens.current()
        if token:
            self._headers_of(token)
        return bool(token)

    def renewed(self, failed: Mapping[str, str]) -> Mapping[str, str] | None:
        token = failed["Authorization"].removeprefix("Bearer ")
        return self._headers_of(self._tokens.renew(token))

    def _remembered(self) -> str:
        token, until = self._read
        return token if clock.monotonic() < until else ""

    def _headers_of(self, token: str) -> Mapping[str, str]:
        if token != self._remembered():
            self._read = (token, clock.monotonic() + _USED_FOR_SECONDS)
        return {"Authorization": f"Bearer {token}"}

    def bsg_account(self) -> str:
        return bsg_account_of(self._tokens.current())


class Login:
    """Get a token from BSG by the key. It replaces the refresh, which BSG may deny to an expired token.

    BSG: POST /api/auth/login.
    """

    def __init__(self, account: Account, observe: Observe = observe_nothing) -> None:
        self._api_key = account.require_api_key()
        self._wire = Wire(account, observe)

    def __call__(self) -> str:
        """Return a new token. Raise ReadFailed."""
        body = json.dumps({"api_key": self._api_key}).encode()
        response = self._wire.request(
            "POST",
            "/api/auth/login",
            authorisation={},
            body=StreamedBody((body,), lambda: True),
            max_response_bytes=_MAX_RESPONSE,
        )
        try:
            content = usable(response)
        except ReadFailed as failure:
            raise _explained(failure, response) from None
        token = content.get("bearer")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise ReadFailed("a login without a token", status=200)
        return token


def token_store(account: Account, client: redis.Redis, observe: Observe = observe_nothing) -> TokenStore:
    """Return the store of the account's token. Raise SettingsInvalid when there is no key."""
    return TokenStore(
        client,
        account.id,
        Login(account, observe),
        longest_login=account.max_request_seconds + _SECONDS_OVER_THE_REQUEST,
    )


def bsg_account_of(token: str) -> str:
    """Return a digest of the account that the token's claims name; "" if they name none.

    BSG's document shows a token with an `id`. The signature is not verified, because the token comes from BSG over TLS.
    """
    _, _, rest = token.partition(".")
    payload = rest.partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return ""
    if not isinstance(claims, Mapping):
        return ""
    number = claims.get("id")
    if isinstance(number, bool) or not isinstance(number, (int, str)) or not number:  # guard: token-names-account
        return ""
    whose = json.dumps([number, claims.get("sub")])
    return hashlib.sha256(whose.encode()).hexdigest()[:16]


def _explained(failure: ReadFailed, response: object) -> ReadFailed:
    # No document says which status a wrong key gets. A gateway's error page is not such a response.
    is_refusal = (
        failure.status in _WRONG_KEY and isinstance(response, Response) and isinstance(decode(response.body), Mapping)
    )
    if failure.account_reason is None and not failure.throttled and is_refusal:
        failure.account_reason = AccountReason.BAD_KEY
    failure.cause = f"login: {failure.cause}"
    return failure
