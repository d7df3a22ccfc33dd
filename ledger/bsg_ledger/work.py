"""The pieces of work that the dispatcher returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bsg_ledger.batch_id import BatchId


@dataclass(frozen=True, slots=True)
class Send:
    """A batch that is `posting` and has a slot: the request leaves in `slot_in` seconds. `now_ms` is by Redis's clock.

    `attempts` counts earlier attempts. `wake_another`: something else is ready, and no wake-up is on its way.
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
    """A leased chunk. `suppressions`: the version of the suppression list to check it with; 0: there is no list."""

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
    """A waiting batch whose messages have to be checked against the suppression list again."""

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
    """The campaign's sending hours ended at `closes_at_ms`: set the next ones. Both times are by Redis's clock."""

    campaign_id: str
    options: str = field(repr=False)
    closes_at_ms: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing may be done for so many seconds. `mine`: no other thread waits for that time, so the caller has to."""

    seconds: float
    mine: bool


@dataclass(frozen=True, slots=True)
class GateShut:
    """The account's gate is shut, or its trial is on its way."""


@dataclass(frozen=True, slots=True)
class Again:
    """The campaigns that were tried have nothing now: ask again."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing waits for the account."""


Work = Send | Prepare | Recheck | OpenHours | Wait | GateShut | Again | Nothing
