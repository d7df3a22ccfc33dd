"""How long campaigns waited, and behind how much: small ones must not wait until the large ones are sent.

The measure is independent of the machine's speed: of the batches of bulk campaigns that were still to be sent when a
small campaign was enqueued, the share that was sent before it. Where the queue is one line, that is about 1; where all
take turns, it has nothing to compare. What fills the wire already is no line: so many batches are not counted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from tests.load.campaigns import LoadCampaign, SizeClass

MAX_MEDIAN = 0.1
MAX_NINETY_FIFTH = 0.25
MIN_BACKLOG = 0.1  # of the bulk's batches: behind a handful, one more or less is no share that says anything


@dataclass(frozen=True, slots=True)
class Sent:
    """A campaign's times, in seconds: enqueued, and when BSG had taken each of its batches."""

    campaign: LoadCampaign
    enqueued_at: float
    taken_at: Sequence[float]


@dataclass(frozen=True, slots=True)
class Spread:
    median: float
    ninety_fifth: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Raise ValueError when there are no values."""
        if not values:
            raise ValueError("a spread of no values")
        return cls(percentile(values, 0.5), percentile(values, 0.95), max(values))


@dataclass(frozen=True, slots=True)
class Fairness:
    """Of the small campaigns that were enqueued while much of the bulk was still to be sent.

    `shares`: the share of that bulk which was sent first; `batches`: how many, those on the wire included. None where
    there was no such campaign.
    """

    measured: int
    shares: Spread | None
    batches: Spread | None

    @property
    def holds(self) -> bool:
        return (
            self.shares is not None
            and self.shares.median <= MAX_MEDIAN
            and self.shares.ninety_fifth <= MAX_NINETY_FIFTH
        )


def fairness_of(sent: Sequence[Sent], *, on_the_wire: int) -> Fairness:
    """`on_the_wire`: how many requests all workers together may have there at once."""
    bulk = sorted(at for each in sent if each.campaign.size_class is not SizeClass.SMALL for at in each.taken_at)
    shares, batches = [], []
    for each in sent:
        if each.campaign.size_class is not SizeClass.SMALL:
            continue
        before = bisect_right(bulk, each.enqueued_at)
        waiting = len(bulk) - before
        if waiting < MIN_BACKLOG * len(bulk):
            continue
        ahead = bisect_right(bulk, min(each.taken_at)) - before
        batches.append(float(ahead))
        shares.append(max(0, ahead - on_the_wire) / waiting)
    if not shares:
        return Fairness(0, None, None)
    return Fairness(len(shares), Spread.of(shares), Spread.of(batches))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the least value that so large a share of the values does not exceed."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]
