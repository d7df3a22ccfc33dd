"""The options of a campaign. They do not change after it is accepted."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from bsg_messages.sending_hours import SendingHours

_UTC = ZoneInfo("UTC")
_BSG_TIME = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class CampaignOptions:
    """A campaign without its messages. `validity` is in hours; both times have a zone.

    `deadline` is None in a stream, whose messages have deadlines of their own.
    `batch_size` is stored here, so that a change of the setting does not change how the messages are divided.
    `traceparent` is the W3C context of the trace in which the campaign was enqueued.
    """

    sender: str | None
    text: str | None = field(repr=False)
    tariff_code: int
    validity: int
    start_at: datetime | None
    deadline: datetime | None
    callback_url: str | None = field(repr=False)
    priority: str
    allow_duplicates: bool
    transliterate: bool
    name: str | None
    send_between: str | None
    max_cost: str | None
    batch_size: int
    traceparent: str | None = None

    def to_json(self) -> str:
        given = {name: getattr(self, name) for name in self.__slots__}  # `asdict` makes deep copies
        if self.traceparent is None:  # workers of earlier versions do not read it
            del given["traceparent"]
        return json.dumps(given, ensure_ascii=False, separators=(",", ":"), default=datetime.isoformat)

    @classmethod
    def from_json(cls, text: str | bytes) -> CampaignOptions:
        """Parse what `to_json` wrote. Raise ValueError for anything else, without quoting it."""
        try:
            found = json.loads(text)
            for name in ("start_at", "deadline"):
                found[name] = None if found[name] is None else datetime.fromisoformat(found[name])
            if found["send_between"] is not None:
                SendingHours.parse(found["send_between"], _UTC)
            return cls(**found)
        except (ValueError, TypeError, LookupError, RecursionError):
            raise ValueError("not a campaign's options as it was accepted") from None

    @property
    def deadline_ms(self) -> int:
        """Return the deadline in milliseconds since 1970. Raise ValueError for the options of a stream."""
        if self.deadline is None:
            raise ValueError("each message of a stream has a deadline of its own")
        return int(self.deadline.timestamp() * 1000)

    def opening(self, moment: datetime) -> datetime:
        """Return the moment itself if `send_between` lets batches leave then, otherwise the next time when it does."""
        if self.send_between is None:
            return moment
        return SendingHours.parse(self.send_between, _UTC).opening(moment)

    def hours(self, moment: datetime) -> tuple[datetime, datetime] | None:
        """Return when the current or next sending hours open and close; None if there are none."""
        if self.send_between is None:
            return None
        return SendingHours.parse(self.send_between, _UTC).span(moment)

    def request_fields(self, now: datetime, zone: tzinfo) -> tuple[dict[str, Any], bool]:
        """Return the options of BSG's request, and whether `start_at` was left out because it has passed.

        BSG's times have no zone of their own: `start_at` is written in `zone`, the account's.
        BSG: POST /api/campaigns/sms/send-individual.
        """
        request: dict[str, Any] = {"tariff_code": self.tariff_code, "validity": self.validity}
        passed = self.start_at is not None and self.start_at <= now
        if self.start_at is not None and not passed:
            request["start_at"] = self.start_at.astimezone(zone).strftime(_BSG_TIME)
        if self.callback_url is not None:
            request["callback_url"] = self.callback_url
        return request, passed
