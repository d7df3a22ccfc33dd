"""The accounts of a sandbox, and their bearer tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bsg_sandbox.settings import SandboxSettings

CONTACT_BOOK = frozenset(range(380970000001, 380970000011))
SENDER_STATUSES = ("active", "blocked", "registering")
DEFAULT_SENDERS = (
    {"sender": "SHOP", "status": "active", "country": None},
    {"sender": "MyShop", "status": "active", "country": "UA"},
    {"sender": "BLOCKED", "status": "blocked", "country": "UA"},
    {"sender": "NEWSHOP", "status": "registering", "country": "UA"},
)


class Mode(StrEnum):
    """What an account may do (BSG: Authentication)."""

    LIVE = "live"
    TEST = "test"
    DEMO = "demo"


@dataclass(slots=True)
class Account:
    """An account of the sandbox: its key, mode, money, tariffs and senders.

    `key` identifies it here, also after it has got another key. `balance` and `credit` are in the sandbox's currency.
    `tariffs`: the codes, 0 to 9, that a campaign may use. `contact_book`: the phones that an account in TEST mode may
    send to. A `blocked` account gets error 2 of the older style. `senders`: mappings with `sender`, `status` and
    `country`. Without `statistics_jobs`, a statistics job gets error 4, "Function is not supported". BSG:
    Authentication, Senders, Statistic.

    >>> with Sandbox(accounts=[Account("live_poor", balance=0.5)]) as sandbox:
    ...     sandbox.put_account("live_poor", blocked=True)
    """

    key: str = field(repr=False)
    mode: Mode = Mode.LIVE
    balance: float = 1_000_000.0
    credit: float = 0.0
    tariffs: frozenset[int] = frozenset(range(10))
    contact_book: frozenset[int] = field(default=CONTACT_BOOK, repr=False)
    blocked: bool = False
    senders: Sequence[Mapping[str, Any]] = DEFAULT_SENDERS
    statistics_jobs: bool = True

    @property
    def id(self) -> int:
        """Return the account's id in its tokens, which look as in the example of BSG's document."""
        return int.from_bytes(hashlib.sha256(self.key.encode()).digest()[:4])


def default_accounts() -> list[Account]:
    """Return the accounts `live_sandbox`, `test_sandbox` and `live_demo`."""
    return [
        Account("live_sandbox"),
        Account("test_sandbox", Mode.TEST),
        Account("live_demo", Mode.DEMO),
    ]


@dataclass(slots=True)
class _Token:
    account: Account
    expires_at: float


class Accounts:
    """Accounts by key, and the bearer tokens that are valid. Threads may share it. Times are in seconds since 1970."""

    def __init__(self, accounts: Iterable[Account], seed: int) -> None:
        self.by_key = {account.key: account for account in accounts}
        self._secret = hashlib.sha256(f"sandbox {seed}".encode()).digest()
        self._tokens: dict[str, _Token] = {}
        self._issued = 0
        self._lock = threading.Lock()

    def login(self, key: object, now: float, settings: SandboxSettings, *, voids_others: bool) -> str | None:
        """Return a new token for a key; None for an unknown key. BSG: POST /api/auth/login.

        With `voids_others`, the account's earlier tokens become void.
        """
        account = self.by_key.get(key) if isinstance(key, str) else None
        if account is None:
            return None
        with self._lock:
            if voids_others:
                self._void(account)
            return self._issue(account, now, settings.token_lifetime)

    def refresh(self, token: str, now: float, settings: SandboxSettings) -> str | None:
        """Replace a token by a new one; return None for an unknown or void token. BSG: POST /api/auth/refresh.

        An expired token can be refreshed: BSG's pages do not exclude it.
        """
        with self._lock:
            held = self._tokens.pop(token, None)
            return None if held is None else self._issue(held.account, now, settings.token_lifetime)

    def of_token(self, token: str, now: float) -> Account | None:
        """Return the account of a token that is valid now; None for any other token."""
        held = self._tokens.get(token)
        return held.account if held is not None and now < held.expires_at else None

    def put(self, changes: Mapping[str, object]) -> None:
        """Add an account, or change fields of the account that has the `key`. Raise ValueError.

        `replaces` is the key that the account had until now. That key and its tokens become void; the account stays the
        same.
        """
        if not isinstance(changes.get("key"), str):
            raise ValueError("an account needs a key")
        with self._lock:
            key, old = str(changes["key"]), changes.get("replaces")
            if old is not None:
                if old not in self.by_key:
                    raise ValueError("no account has the key that is replaced")
                self.by_key[key] = self.by_key.pop(str(old))
                self._void(self.by_key[key])
            present = self.by_key.get(key)
            kept = {} if present is None else {"key": present.key}
            changed = {name: value for name, value in changes.items() if name != "replaces"}
            account = account_changed(present, {**changed, **kept})
            self.by_key[key] = account
            for held in self._tokens.values():
                if held.account is present:
                    held.account = account

    def expire(self, token: str) -> None:
        """Let a token expire now."""
        with self._lock:
            if token in self._tokens:
                self._tokens[token].expires_at = 0.0

    def charge(self, account: Account, price: float, messages: int, *, partly: bool) -> int:
        """Take a campaign's price from the balance. Return how many of its messages are paid for.

        If the price is higher than balance and credit, take nothing. With `partly`, take the price of as many messages
        as the two cover.
        """
        with self._lock:
            funds, paid = account.balance + account.credit, messages
            if funds < price:
                paid = int(messages * max(0.0, funds) / price) if partly and price > 0 else 0
            if paid:
                account.balance = round(account.balance - price * paid / messages, 6)
            return paid

    def _void(self, account: Account) -> None:
        for token in [token for token, held in self._tokens.items() if held.account is account]:
            del self._tokens[token]

    def _issue(self, account: Account, now: float, lifetime: float) -> str:
        self._issued += 1
        claims = {"iat": int(now), "exp": int(now + lifetime), "jti": self._issued, "roles": [], "id": account.id}
        unsigned = f"{_base64({'alg': 'HS256', 'typ': 'JWT'})}.{_base64(claims)}"
        signature = hmac.new(self._secret, unsigned.encode(), hashlib.sha256).digest()
        token = f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
        self._tokens[token] = _Token(account, now + lifetime)
        return token


def _base64(document: Mapping[str, object]) -> str:
    encoded = json.dumps(document, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()


def _sender(given: Mapping[str, Any]) -> dict[str, Any]:
    sender = {"status": "active", "country": None, **given}
    if set(sender) != {"sender", "status", "country"} or not isinstance(sender["sender"], str):
        raise ValueError("a sender has sender, status and country")
    if sender["status"] not in SENDER_STATUSES:
        raise ValueError(f"the status of a sender is one of {', '.join(SENDER_STATUSES)}")
    return sender


def account_changed(account: Account | None, changes: Mapping[str, object]) -> Account:
    """Return an account with changes, or a new one. Raise ValueError for an unknown field or a wrong value."""
    known = asdict(account) if account is not None else asdict(Account(str(changes["key"])))
    unknown = sorted(set(changes) - set(known))
    if unknown:
        raise ValueError(f"an account has no {', '.join(unknown)}; it has {', '.join(known)}")
    known.update(changes)
    for name in ("balance", "credit"):
        if isinstance(known[name], bool) or not isinstance(known[name], int | float) or not abs(known[name]) < 1e15:
            raise ValueError(f"{name} must be an amount")
    for name in ("blocked", "statistics_jobs"):
        if not isinstance(known[name], bool):
            raise ValueError(f"{name} must be true or false")
    known["senders"] = [_sender(each) for each in known["senders"]]
    known["mode"] = Mode(known["mode"])
    known["tariffs"] = frozenset(map(int, known["tariffs"]))
    known["contact_book"] = frozenset(map(int, known["contact_book"]))
    return Account(**known)
