"""How far a campaign is: each of its messages is delivered, failed, sent or waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NOT_SENT = ("rejected", "refused", "expired", "cancelled")
NOT_DELIVERED_AT_BSG = ("undelivered", "failed", "expired")


@dataclass(frozen=True, slots=True)
class Progress:
    """Messages, which add up to the accepted ones.

    `failed`: rejected, refused, expired, cancelled, or not delivered as BSG reports. `sent`: BSG has them, and has not
    reported their end. `waiting`: they have not been sent, or BSG sends them later.
    """

    delivered: int
    failed: int
    sent: int
    waiting: int

    @property
    def accepted(self) -> int:
        return self.delivered + self.failed + self.sent + self.waiting

    def shares(self) -> list[tuple[str, int, float]]:
        """Return the name, the number and the percentage of each kind of message that there is."""
        kinds = (("delivered", self.delivered), ("failed", self.failed), ("sent", self.sent), ("waiting", self.waiting))
        return [(name, number, 100 * number / self.accepted) for name, number in kinds if number]

    def describe(self) -> str:
        """Return all of it in words.

        >>> Progress(delivered=940, failed=60, sent=0, waiting=0).describe()
        '940 delivered, 60 failed, 0 sent, 0 waiting'
        """
        return f"{self.delivered} delivered, {self.failed} failed, {self.sent} sent, {self.waiting} waiting"


def progress_of(counts: Mapping[str, int], reported: Mapping[str, int] | None, *, scheduled: bool = False) -> Progress:
    """Return the progress by the messages' states here, and by what BSG has reported.

    `scheduled`: BSG sends what it has later.
    """
    at_bsg, statuses = counts["submitted"] + counts["finished"], reported or {}
    delivered = min(at_bsg, statuses.get("delivered", 0))
    undelivered = min(at_bsg - delivered, sum(statuses.get(status, 0) for status in NOT_DELIVERED_AT_BSG))
    later = min(counts["submitted"], at_bsg - delivered - undelivered) if scheduled else 0
    failed = sum(counts[state] for state in NOT_SENT) + undelivered
    sent = at_bsg - delivered - undelivered - later
    return Progress(delivered, failed, sent, counts["accepted"] - delivered - failed - sent)
