"""The hours of the day in which a campaign's batches may leave, so that an SMS wakes nobody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_WRITTEN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)(?: ([A-Za-z0-9_+/-]{1,64}))?")
_MINUTE = timedelta(minutes=1)
REMEDY = "write it as 09:00-20:00, or with a zone as 09:00-20:00 Europe/Kyiv"


@dataclass(frozen=True, slots=True)
class SendingHours:
    """The hours from `opens` until `closes` in `zone`, over midnight if `closes` is earlier.

    >>> hours = SendingHours.parse("22:00-06:00", ZoneInfo("Europe/Kyiv"))
    >>> str(hours), hours.opening(datetime(2030, 1, 31, 12, tzinfo=UTC)).isoformat()
    ('22:00-06:00 Europe/Kyiv', '2030-01-31T20:00:00+00:00')
    """

    opens: time
    closes: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, written: str, zone: ZoneInfo) -> SendingHours:
        """Parse the hours. `zone` applies if they name none. Raise ValueError, with the remedy.

        >>> SendingHours.parse("9-20", ZoneInfo("UTC"))
        Traceback (most recent call last):
        ValueError: Not hours of a day: write it as 09:00-20:00, or with a zone as 09:00-20:00 Europe/Kyiv.
        """
        found = _WRITTEN.fullmatch(written)
        if found is None:
            raise ValueError(f"Not hours of a day: {REMEDY}.")
        opens, closes = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        if opens == closes:
            raise ValueError(f"They end when they begin: {REMEDY}, or give none to send at any time.")
        try:
            return cls(opens, closes, ZoneInfo(found[5]) if found[5] else zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"There is no zone of that name: {REMEDY}.") from None

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M} {self.zone.key}"

    def opening(self, moment: datetime) -> datetime:
        """Return the moment itself if batches may leave then, otherwise the next time when they may.

        >>> hours = SendingHours.parse("09:00-20:00 UTC", ZoneInfo("Europe/Kyiv"))
        >>> hours.opening(datetime(2030, 1, 31, 21, tzinfo=UTC)).isoformat()
        '2030-02-01T09:00:00+00:00'
        """
        local = moment.astimezone(self.zone)
        if self._open_at(local.time()):
            return moment
        today = datetime.combine(local.date(), self.opens, self.zone)
        opening = today if local.time() < self.opens else today + timedelta(days=1)
        # When clocks go forward, the hour may not exist, but the next one does.
        return max(opening.astimezone(moment.tzinfo), moment)

    def span(self, moment: datetime) -> tuple[datetime, datetime]:
        """Return when the current or next hours open and close. `moment` has a zone.

        >>> hours = SendingHours.parse("09:00-20:00", ZoneInfo("UTC"))
        >>> [time.hour for time in hours.span(datetime(2030, 1, 31, 12, tzinfo=UTC))]
        [12, 20]
        """
        opens = self.opening(moment)
        closes = opens.astimezone(UTC).replace(second=0, microsecond=0)
        # Clocks change in whole minutes, so check the local time of each minute.
        while self._open_at(closes.astimezone(self.zone).time()):
            closes += _MINUTE
        return opens, max(closes, opens)

    def _open_at(self, clock: time) -> bool:
        if self.opens < self.closes:
            return self.opens <= clock < self.closes
        return clock >= self.opens or clock < self.closes
