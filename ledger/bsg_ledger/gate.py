"""An account's gate. While it is shut, nothing is dispatched and nothing leaves. Batches stay pending.

A half-open gate lets one batch through at a time, its trial. A clear response of BSG to the trial opens the gate. No
response, or an unclear one, shuts it again, each time for twice as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import redis

from bsg_ledger import schema
from bsg_ledger.scripts import Scripts, decoded, text_of
from bsg_ledger.times import to_datetime


class GateReason(StrEnum):
    """Why a gate is shut or half open. An operator opens the last two, a probe the others; after doubts, half only."""

    BAD_KEY = "bad_key"
    BLOCKED = "blocked"
    NO_FUNDS = "no_funds"
    DOUBTS = "doubts"  # doubtful outcomes in a row
    OPERATOR = "operator"
    LEDGER_WENT_BACK = "ledger_went_back"  # to an older copy: its pending batches may have been sent


OPENED_BY_OPERATOR = frozenset({GateReason.OPERATOR, GateReason.LEDGER_WENT_BACK})


@dataclass(frozen=True, slots=True)
class GateState:
    """The state of a gate. `since` is None if the state never changed. `balance` is the last that BSG reported.

    An `open` gate lets everything through. Otherwise it is shut, or `half_open`: it lets one batch through at a time,
    and BSG's response decides. `next_probe`: when the next probe of a shut gate is due; None: at the next tick.
    `tried_balance`: a probe opened the gate with that balance, and BSG has taken nothing since.

    >>> producer.shut_gate()
    >>> gate = producer.gate()
    >>> gate.shut, gate.reason, gate.by
    (True, 'operator', 'operator')
    """

    open: bool
    reason: str
    by: str
    since: datetime | None
    balance: str | None
    half_open: bool = False
    next_probe: datetime | None = None
    tried_balance: str | None = None

    @property
    def shut(self) -> bool:
        return not self.open and not self.half_open


class Gate:
    def __init__(self, client: redis.Redis, scripts: Scripts, account: str) -> None:
        self._client = client
        self._scripts = scripts
        self._account = account

    def open(self, *, reason: str, by: str) -> None:
        """Open the gate by an operator's decision, whatever the reason."""
        self._scripts.run("open_gate", self._account, reason, by)

    def reopen(self, *, by: str, trial: bool = False, balance: str = "") -> str:
        """Open the gate after a probe that read this balance; only half for a `trial`, or after doubts.

        Return `open` or `half_open`, or `shut` if only an operator may open it.
        """
        return text_of(self._scripts.run("reopen_gate", self._account, 1 if trial else 0, by, balance)[0])

    def open_recovered(self, *, by: str) -> bool:
        """Open the gate after a recovery. Return False if it stays shut for another reason."""
        return text_of(self._scripts.run("open_recovered", self._account, by)[0]) == "open"

    def shut(self, *, reason: str, by: str) -> bool:
        """Shut the gate. Precedence: rollback, then operator, then automatic reasons.

        Return False if it was shut already, and its reason stays.
        """
        return int(self._scripts.run("shut_gate", self._account, reason, by)[1]) == 1

    def probe_due(self, *, put_off_ms: int) -> bool:
        """Return whether a probe is due now. If so, postpone the next one."""
        return text_of(self._scripts.run("take_probe", self._account, put_off_ms)[0]) == "probe"

    def note_balance(self, balance: str) -> None:
        self._scripts.run("note_balance", self._account, balance)

    def state(self) -> GateState:
        return gate_state(decoded(self._client.hgetall(schema.GATE(self._account))))


def gate_state(record: Mapping[str, str]) -> GateState:
    """Return the state in a gate's record. A gate without a record is open."""
    return GateState(
        open=record.get("state") not in ("shut", "half_open"),
        reason=record.get("reason", ""),
        by=record.get("by", ""),
        since=to_datetime(int(record["since"])) if "since" in record else None,
        balance=record.get("balance"),
        half_open=record.get("state") == "half_open",
        next_probe=to_datetime(int(record["probe_at"])) if "probe_at" in record else None,
        tried_balance=record.get("tried_balance"),
    )
