"""The state of each account: its gate, its limit, and its longest waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import redis

from bsg_client.outcomes import OutcomeKind
from bsg_config.account import Account
from bsg_config.settings import Settings
from bsg_ledger.due_indexes import Due, DueIndex, unassigned
from bsg_ledger.failures import FailureKind, FailureSpell
from bsg_ledger.funds import Funds, noted_funds
from bsg_ledger.gate import GateState
from bsg_ledger.ledger import Ledger
from bsg_ledger.limiter import Limiter
from bsg_ledger.measurements import Measured, Measurements


@dataclass(frozen=True, slots=True)
class AccountState:
    """`gate` and `limit` are None if the account's key is not set here. Durations are seconds."""

    name: str
    gate: GateState | None
    limit: str | None
    next_slot_in: float
    cooling_for: float
    oldest_due: Due | None
    failures: Sequence[FailureSpell] = ()


COUNTED = (
    DueIndex.DOUBT,
    DueIndex.NEEDS_OPERATOR,
    DueIndex.STOPS,
    DueIndex.PAUSED_AT_BSG,
    DueIndex.IN_MODERATION,
    DueIndex.SPAM_AT_BSG,
)
SPAM_SHOWN_FOR_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """The metrics of an account whose key is set here."""

    waiting: Mapping[DueIndex, int]  # how many wait in each of COUNTED
    measured: Measured
    failed: Mapping[FailureKind, int]
    longest_moderation: float = 0.0  # seconds
    funds: Funds | None = None  # None: never read, as nothing was queued


class AccountStates:
    """The states of every account whose key is set here, and of every other one with waiting work."""

    def __init__(self, client: redis.Redis, ledger: Ledger, settings: Settings) -> None:
        self._client = client
        self._ledger = ledger
        self._accounts = settings.accounts_or_default

    def now(self) -> list[AccountState]:
        known = [self._state(account) for account in self._accounts]
        names = {account.name for account in known}
        others = (self._unknown(name) for name in self._ledger.reading.account_names() if name not in names)
        return known + [account for account in others if account.oldest_due is not None]

    def figures(self) -> dict[str, AccountFigures]:
        """Return the metrics by the account's name."""
        due_indexes, now_ms = self._ledger.due_indexes, self._ledger.due_indexes.now_ms()
        return {
            account.name: AccountFigures(
                waiting={index: due_indexes.length(index, account=account.id) for index in COUNTED}
                | {
                    DueIndex.SPAM_AT_BSG: len(
                        due_indexes.since(DueIndex.SPAM_AT_BSG, now_ms - SPAM_SHOWN_FOR_MS, account=account.id)
                    )
                },
                longest_moderation=_seconds(now_ms, due_indexes.oldest_due([(DueIndex.IN_MODERATION, account.id)])),
                funds=noted_funds(self._client, account.id),
                measured=Measurements(self._client, account.id).read(OutcomeKind),
                failed=self._ledger.failures(account.id).totals(),
            )
            for account in self._accounts
            if account.bsg_api_key is not None
        }

    def _unknown(self, name: str) -> AccountState:
        due = self._ledger.due_indexes.oldest_waiting([unassigned(name)])
        return AccountState(name, gate=None, limit=None, next_slot_in=0.0, cooling_for=0.0, oldest_due=due)

    def _state(self, account: Account) -> AccountState:
        if account.bsg_api_key is None:
            return self._unknown(account.name)
        rate, burst = account.bsg_rate_limit, account.bsg_rate_burst
        limiter = Limiter(self._client, account.id, "submit", rate, burst).state()
        return AccountState(
            name=account.name,
            gate=self._ledger.gate(account.id).state(),
            limit=f"{rate}, burst {burst}",
            next_slot_in=limiter.next_slot_in,
            cooling_for=limiter.cooling_for,
            oldest_due=self._ledger.due_indexes.oldest_waiting([unassigned(account.name), account.id]),
            failures=self._ledger.failures(account.id).current(),
        )


def _seconds(now_ms: int, due: Due | None) -> float:
    return 0.0 if due is None else max(0.0, (now_ms - due.since_ms) / 1000)
