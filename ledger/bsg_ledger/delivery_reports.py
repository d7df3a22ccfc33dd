"""What BSG pushes of single messages. Its feed is its own, so that reports displace no transitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import redis

from bsg_ledger import schema
from bsg_ledger.feed import Feed, Position
from bsg_ledger.scripts import Scripts
from bsg_ledger.times import to_datetime

DELIVERY_REPORTS_KEPT = 200_000  # for who only reads; the settings decide: some 160 bytes each in Redis
MAX_REPORTS_A_CALL = 1000  # Redis does nothing else meanwhile: some milliseconds


@dataclass(frozen=True, slots=True)
class PushedReport:
    """What BSG pushed of one message. The meanings are those of `DeliveryReport`."""

    campaign_id: str | None
    index: int | None
    reference_id: str
    status: str
    price: str | None
    currency: str | None
    sent_at: str | None
    delivered_at: str | None


@dataclass(frozen=True, slots=True)
class DeliveryReport(PushedReport):
    """What BSG pushed of one message, as it is in the feed; `position` is where a reader goes on.

    `campaign_id` and `index`, the message's index in what was enqueued, from 0, are None where it has a reference id of
    the caller's own. `status` is BSG's word, in small letters. `sent_at` and `delivered_at` are as BSG writes them, in
    the zone of the account.
    """

    received_at: datetime
    position: str


_PUSHED = tuple(field.name for field in fields(PushedReport))


class DeliveryReports(Feed[DeliveryReport]):
    def __init__(self, client: redis.Redis, scripts: Scripts, *, kept: int) -> None:
        super().__init__(client, schema.DELIVERY_REPORTS(), "delivery_reports", _delivery_report)
        self._scripts = scripts
        self._kept = kept

    def record(self, reports: Sequence[PushedReport]) -> None:
        """Add the reports, except those of campaigns that are not there. One script call a thousand of them."""
        for first in range(0, len(reports), MAX_REPORTS_A_CALL):
            some = reports[first : first + MAX_REPORTS_A_CALL]
            values = ["" if value is None else str(value) for report in some for value in _values(report)]
            self._scripts.run("record_delivery_reports", self._kept, *values)


def _values(report: PushedReport) -> list[object]:
    return [getattr(report, name) for name in _PUSHED]


def _delivery_report(position: str, entry: Mapping[str, str]) -> DeliveryReport:
    index = entry["index"]
    return DeliveryReport(
        campaign_id=entry["campaign_id"] or None,
        index=int(index) if index else None,
        reference_id=entry["reference_id"],
        status=entry["status"],
        price=entry["price"] or None,
        currency=entry["currency"] or None,
        sent_at=entry["sent_at"] or None,
        delivered_at=entry["delivered_at"] or None,
        received_at=to_datetime(int(Position.parse(position).entry.partition("-")[0])),
        position=position,
    )
