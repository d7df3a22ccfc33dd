"""The bearer token that all workers of an account share, kept in Redis.

One worker at a time logs in, and it replaces only the token that failed. Otherwise, as BSG voids the older of two
tokens, the logins of two workers would void each other's tokens for ever.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from importlib import resources

import redis

from bsg_client.outcomes import ReadFailed
from bsg_config import clock
from bsg_ledger import schema

_LOOK_AGAIN = 0.05


class TokenStore:
    """The token of one account. Methods raise ReadFailed without a token, and `redis.exceptions.RedisError`.

    `login` gets a new token from BSG and raises ReadFailed. It takes at most `longest_login` seconds; after that,
    another worker may try. The other workers wait for its token, `longest_wait` seconds at most.
    """

    def __init__(
        self,
        client: redis.Redis,
        account: str,
        login: Callable[[], str],
        *,
        longest_login: float = 70.0,
        longest_wait: float = 10.0,
    ) -> None:
        self._client = client
        self._token_key = schema.TOKEN(account)
        self._login_key = schema.TOKEN_LOGIN(account)
        self._login = login
        self._longest_login = longest_login
        self._longest_wait = longest_wait
        self._replace = client.register_script(_source("replace_token"))
        self._release = client.register_script(_source("release_login"))

    def token(self) -> str:
        """Return the current token. Log in if there is none."""
        return self.current() or self.renew("")

    def renew(self, failed: str) -> str:
        """Return a token that replaces `failed`: one that another worker got meanwhile, or one from a login."""
        owner = secrets.token_hex(16)
        deadline = clock.monotonic() + self._longest_wait
        while True:
            if (current := self.current()) and current != failed:
                return current
            # guard: one-login-at-a-time
            if self._client.set(self._login_key, owner, nx=True, px=round(self._longest_login * 1000)):
                return self._log_in(failed, owner)
            if clock.monotonic() >= deadline:  # guard: login-wait-bounded
                raise ReadFailed("another worker is still logging in")
            clock.sleep(_LOOK_AGAIN)

    def _log_in(self, failed: str, owner: str) -> str:
        try:
            # Another worker may have logged in since this one read the token.
            current = self.current()
            token = current if current and current != failed else self._login()  # guard: token-of-another-login
        except BaseException:  # a stop of the process too: otherwise nobody logs in until the lock expires
            self._release(keys=[self._login_key], args=[owner])  # guard: failed-login-released
            raise
        return _text(self._replace(keys=[self._token_key, self._login_key], args=[failed, token, owner]))

    def current(self) -> str:
        """Return the current token, if any. Do not log in."""
        return _text(self._client.get(self._token_key) or b"")


def _source(name: str) -> str:
    return (resources.files(__package__) / f"{name}.lua").read_text("utf-8")


def _text(reply: object) -> str:
    return reply.decode("ascii") if isinstance(reply, bytes) else str(reply)
