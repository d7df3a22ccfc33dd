"""BSG prints times without a zone: what they mean is a setting, held against what its answers show."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bsg_ledger.zones import LearntZone

LOGGER = logging.getLogger(__name__)

QUARTER = 15  # zones differ by quarters of an hour; what is less is latency and clocks that disagree
CLOCK_TOLERANCE = timedelta(minutes=5)


class BSGTime:
    """Learns the zone of BSG's times from answers to fresh requests, and reads times by it."""

    def __init__(self, learnt: LearntZone, zone: ZoneInfo) -> None:
        self._learnt = learnt
        self._zone = zone
        self._last_written: int | None = None

    def learn(self, created_at: datetime | None, now: datetime) -> None:
        """`created_at` belongs to something that BSG made at `now`."""
        if created_at is None:
            return
        off = (created_at.replace(tzinfo=self._zone) - now).total_seconds() / 60
        minutes = round(off / QUARTER) * QUARTER
        if minutes == self._last_written:
            return
        self._learnt.learn(minutes)
        self._last_written = minutes
        if minutes:
            LOGGER.error(
                "BSG's times are %+d minutes off BSG_TIMEZONE=%s: scheduled campaigns start at the wrong hour until it"
                " is mended",
                minutes,
                self._zone.key,
            )

    def moment(self, printed: datetime) -> datetime | None:
        """The moment that BSG meant; None as long as its zone has not been seen."""
        minutes = self._learnt.minutes_off()
        if minutes is None:
            return None
        return printed.replace(tzinfo=self._zone) - timedelta(minutes=minutes)
