"""How BSG fails an account's requests: since when, how often and why, by kind.

No decision depends on it. A success writes nothing: a spell ends when nothing has failed for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import redis

from bsg_ledger import schema
from bsg_ledger.redis_clock import now_ms
from bsg_ledger.scripts import Scripts, decoded
from bsg_ledger.times import to_datetime

QUIET_MS = 300_000
SEVERAL = 3  # a single failure is not worth reporting


class FailureKind(StrEnum):
    ERROR = "error"  # a 5xx, or an undocumented response
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"  # no response, or half of one


@dataclass(frozen=True, slots=True)
class FailureSpell:
    """Failures of one kind, each within QUIET_MS of the one before. `cause` is that of the last."""

    kind: FailureKind
    cause: str
    count: int
    since: datetime
    last: datetime

    @property
    def several(self) -> bool:
        return self.count >= SEVERAL

    def describe(self, show_time: Callable[[datetime], str]) -> str:
        """Return a sentence about the failures that begins with "BSG"."""
        requests = "1 request" if self.count == 1 else f"{self.count} requests"
        spell = f"since {show_time(self.since)}, the last at {show_time(self.last)}"
        return f"{_DOES[self.kind]} ({self.cause}): {requests} {spell}"


_DOES = {
    FailureKind.ERROR: "responds with errors",
    FailureKind.THROTTLED: "throttles the account",
    FailureKind.UNREACHABLE: "does not respond, or not to the end",
}


class Failures:
    """The failures of one account. Methods raise `redis.exceptions.RedisError`."""

    def __init__(self, client: redis.Redis, scripts: Scripts, account: str) -> None:
        self._client = client
        self._scripts = scripts
        self._account = account

    def note(self, kind: FailureKind, cause: str) -> None:
        self._scripts.run("note_failure", self._account, kind, cause, QUIET_MS)

    def current(self) -> list[FailureSpell]:
        """Return the spells that have not ended, the longest first."""
        record = self._record()
        now = now_ms(self._client)
        spells = (_spell(record, kind) for kind in FailureKind if now - int(record.get(f"{kind}:last", 0)) <= QUIET_MS)
        return sorted(spells, key=lambda spell: spell.since)

    def totals(self) -> dict[FailureKind, int]:
        """Return the number of all failures since the ledger began."""
        record = self._record()
        return {kind: int(record.get(f"{kind}:total", 0)) for kind in FailureKind}

    def _record(self) -> dict[str, str]:
        return decoded(self._client.hgetall(schema.FAILURES(self._account)))


def _spell(record: Mapping[str, str], kind: FailureKind) -> FailureSpell:
    return FailureSpell(
        kind,
        cause=record[f"{kind}:cause"],
        count=int(record[f"{kind}:count"]),
        since=to_datetime(int(record[f"{kind}:since"])),
        last=to_datetime(int(record[f"{kind}:last"])),
    )
