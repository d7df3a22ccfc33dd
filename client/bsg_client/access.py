"""How a request proves whose it is: a bearer token got by a login (API 2.0), or the key itself (API 1.0)."""

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
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")  # nothing that could end a header's line
_WRONG_KEY = frozenset({400, 401, 403, 422})
_SECONDS_OVER_THE_REQUEST = 5.0
_USED_FOR_SECONDS = 1.0  # reading it for every request would be a round trip to Redis before each


class Access(Protocol):
    """Headers for a request, and what to do when BSG did not accept them."""

    def headers(self) -> Mapping[str, str]:
        """Raise ReadFailed, and RedisError where the token is kept in Redis."""

    def is_known(self) -> bool:
        """Return whether `headers` would return without a login. Raise RedisError."""

    def renewed(self, failed: Mapping[str, str]) -> Mapping[str, str] | None:
        """Other headers instead of those that failed; None when there are none. Raise as `headers`."""

    def bsg_account(self) -> str:
        """BSG's own account, by a digest, as far as is known without asking BSG; else "". Raise RedisError."""


class KeyAccess:
    """The key with every request."""

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
    """The token that all workers share, read anew when it was last read more than a moment ago.

    A token that has been replaced meanwhile costs a second attempt, and no login: `renewed` finds the later one.
    """

    def __init__(self, tokens: TokenStore) -> None:
        self._tokens = tokens
        self._read = ("", 0.0)  # the token, and until when it is used, on this process's monotonic clock

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
    """Asks BSG for a token, by the key. Also instead of a refresh, which a token that has expired may
    not get.

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
    """Return whose token it is, by a digest; "" where its claims do not say: BSG's document shows one with an `id`.

    The signature is not verified: over TLS the token comes from BSG itself, and there is nobody else to believe.
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
    # A wrong key gets one of several statuses; which, no document says. A gateway's page is no
    # such no.
    is_refusal = (
        failure.status in _WRONG_KEY and isinstance(response, Response) and isinstance(decode(response.body), Mapping)
    )
    if failure.account_reason is None and not failure.throttled and is_refusal:
        failure.account_reason = AccountReason.BAD_KEY
    failure.cause = f"login: {failure.cause}"
    return failure
