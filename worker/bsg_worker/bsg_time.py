"""Read BSG's times, which have no zone. A setting names the zone; BSG's responses correct it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bsg_config import clock
from bsg_ledger.zones import LearntZone

LOGGER = logging.getLogger(__name__)

QUARTER = 15  # zones differ by quarters of an hour; what is less is latency and clocks that disagree
CLOCK_TOLERANCE = timedelta(minutes=5)
SURELY_OLDER = timedelta(minutes=75)  # an hour that clocks are turned by, half a quarter of rounding, and drift
KNOWN_FOR_SECONDS = 1.0  # comparing at each response would be a round trip to Redis for each request


class BSGTime:
    """Learn the zone of BSG's times from responses to new requests, and read times with it."""

    def __init__(self, learnt: LearntZone, zone: ZoneInfo) -> None:
        self._learnt = learnt
        self._zone = zone
        self._known: tuple[int | None, float] = None, 0.0

    def learn(self, created_at: datetime | None, now: datetime) -> None:
        """Learn from the printed `created_at` of a campaign that BSG made at `now`."""
        if created_at is None:
            return
        off = min((moment - now for moment in self._readings(created_at)), key=abs)
        minutes = round(off.total_seconds() / 60 / QUARTER) * QUARTER
        known, until = self._known
        if minutes == known and clock.monotonic() < until:
            return
        # Compare with the stored zone: another process may have stored a wrong one since.
        changed = minutes != self._learnt.minutes_off()  # guard: zone-corrected
        if changed:
            self._learnt.learn(minutes)
        self._known = minutes, clock.monotonic() + KNOWN_FOR_SECONDS
        if not changed:
            return
        if minutes:
            LOGGER.error(
                "BSG's times are %+d minutes off BSG_TIMEZONE=%s: scheduled campaigns start at the wrong hour until it"
                " is corrected",
                minutes,
                self._zone.key,
            )

    def resolve(self, printed: datetime) -> datetime | None:
        """Return the time that BSG printed, the later one if it is ambiguous; None while the zone is unknown."""
        minutes = self._learnt.minutes_off()  # guard: zone-learnt
        if minutes is None:
            return None
        return max(self._readings(printed)) - timedelta(minutes=minutes)  # guard: zone-learnt-counts

    def _readings(self, printed: datetime) -> list[datetime]:
        # When the clocks are turned back, one printed time means two times.
        return [printed.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
