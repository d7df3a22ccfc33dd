"""A part's transitions: from accepted messages to batches and rejects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bsg_ledger.scripts import Scripts, text_of


@dataclass(frozen=True, slots=True)
class PartLease:
    """A part in the hands of one worker, until its lease ends. `another_due`: somebody may take the next one now.

    `suppressions`: the list of suppressed phones to hold its messages against; 0: there has never been one.
    """

    campaign_id: str
    part: int
    token: str
    packed: bytes = field(repr=False)
    envelope: str = field(repr=False)
    first_index: int
    size: int
    another_due: bool
    suppressions: int


@dataclass(frozen=True, slots=True)
class NothingDue:
    """Nothing to take now; `at` is when the next one is due (milliseconds of Redis's clock), None if there is none."""

    at: int | None


class Parts:
    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def lease(
        self, campaign_id: str, token: str, *, lease_ms: int, losses_allowed: int, patience_ms: int
    ) -> PartLease | NothingDue:
        """Takes the campaign's next due part; a part that lost `losses_allowed` leases becomes rejects on the way.

        Where another is due, the sweep trusts for `patience_ms` that the caller goes on with it or rings for it.
        """
        answer = self._scripts.run("lease_part", campaign_id, token, lease_ms, losses_allowed, patience_ms)
        if text_of(answer[0]) == "none":
            return NothingDue(int(answer[1]) if int(answer[1]) >= 0 else None)
        _, part, packed, envelope, first_index, size, another_due, suppressions = answer
        return PartLease(
            campaign_id,
            int(part),
            token,
            packed,
            text_of(envelope),
            int(first_index),
            int(size),
            another_due == 1,
            int(suppressions),
        )

    def prepared(
        self, lease: PartLease, batches: Sequence[tuple[int, str, bytes]], rejects: Sequence[tuple[int, str]]
    ) -> bool:
        """Puts all batches (size, rows, body) and rejects (index, JSON) in at once. False: the lease is stale."""
        items: list[tuple[int | str | bytes, ...]] = [*batches, *rejects]
        flat = [value for item in items for value in item]
        answer = self._scripts.run(
            "prepared", lease.campaign_id, lease.part, lease.token, len(batches), len(rejects), lease.suppressions,
            *flat,
        )  # fmt: skip
        return text_of(answer[0]) == "prepared"

    def release(self, lease: PartLease, *, delay_ms: int, cause: str, unreadable: bool = False) -> bool:
        """Gives the part back, without counting it as a lost lease. False: the lease is stale.

        `unreadable`: its messages cannot be read here.
        """
        answer = self._scripts.run(
            "release_part", lease.campaign_id, lease.part, lease.token, delay_ms, cause, int(unreadable)
        )
        return text_of(answer[0]) == "unprepared"
