"""What the dispatcher lets a worker do, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bsg_ledger.batch_id import BatchId


@dataclass(frozen=True, slots=True)
class Send:
    """A batch that is `posting`, its slot taken: the request leaves in `slot_in` seconds. `now_ms`: by the ledger.

    `attempts` counts those before this one. `wake_another`: something else is ready, and no wake-up is on its way.
    """

    batch: BatchId
    token: str
    options: str = field(repr=False)
    size: int
    attempts: int
    body: bytes = field(repr=False)
    now_ms: int = 0
    slot_in: float = 0.0
    wake_another: bool = False


@dataclass(frozen=True, slots=True)
class Prepare:
    """A chunk that is leased. `suppressions`: the list to hold its messages against; 0: there has never been one."""

    campaign_id: str
    chunk: int
    token: str
    packed: bytes = field(repr=False)
    options: str = field(repr=False)
    first_index: int
    size: int
    suppressions: int
    wake_another: bool = False


@dataclass(frozen=True, slots=True)
class Recheck:
    """A waiting batch whose messages have to be held against the list of suppressed phones again."""

    batch: BatchId
    options: str = field(repr=False)
    body: bytes = field(repr=False)
    rows: Sequence[int] = field(repr=False)
    size: int
    attempts: int
    held_against: int
    suppressions: int


@dataclass(frozen=True, slots=True)
class OpenHours:
    """The campaign's span of sending hours ended at `closes_at_ms`: set the next one. Both times by Redis's clock."""

    campaign_id: str
    options: str = field(repr=False)
    closes_at_ms: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing may be done for so many seconds. `mine`: nobody else waits for that moment, so the caller has to."""

    seconds: float
    mine: bool


@dataclass(frozen=True, slots=True)
class GateShut:
    """The account's gate lets nothing through, or has its trial."""


@dataclass(frozen=True, slots=True)
class Again:
    """What was looked at has nothing for now: ask again."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing waits for the account."""


Work = Send | Prepare | Recheck | OpenHours | Wait | GateShut | Again | Nothing
