"""The delivery reports that BSG pushes. They have their own feed, so that they displace no transitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

import redis

from bsg_ledger import schema
from bsg_ledger.feed import Feed, Position
from bsg_ledger.scripts import Scripts
from bsg_ledger.times import to_datetime

DELIVERY_REPORTS_KEPT = 200_000  # a default for readers; the settings decide. A report takes some 160 bytes in Redis
MAX_REPORTS_A_CALL = 1000  # what a push carries is one call, and a file of reports blocks Redis only for milliseconds


@dataclass(frozen=True, slots=True)
class PushedReport:
    """A report that BSG pushed about one message. `DeliveryReport` explains the fields."""

    campaign_id: str | None
    index: int | None
    message_id: str | None
    reference_id: str
    status: str
    price: str | None
    currency: str | None
    sent_at: str | None
    delivered_at: str | None


@dataclass(frozen=True, slots=True)
class DeliveryReport(PushedReport):
    """A delivery report in the feed. A reader continues at `position`.

    `index` is the message's index among the campaign's messages, from 0. `message_id` has both: `producer.message`
    takes it if the message is of a stream. They are None if the caller chose the reference id, unless exactly one
    stream knows it. `status` is BSG's, in lower case. `sent_at` and `delivered_at` are as BSG writes them, in the
    account's zone.

    >>> producer.record_reports([{"reference": f"{campaign_id}000001", "status": "DELIVERED", "price": "0.01"}])
    >>> report = next(producer.delivery_reports())
    >>> report.campaign_id == campaign_id, report.index, report.status, report.price, report.delivered_at
    (True, 1, 'delivered', '0.01', None)
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
        """Add the reports, except those of unknown campaigns, a bounded number of them with each script call."""
        for first in range(0, len(reports), MAX_REPORTS_A_CALL):
            some = reports[first : first + MAX_REPORTS_A_CALL]
            values = ["" if value is None else str(value) for report in some for value in _values(report)]
            self._scripts.run("record_delivery_reports", self._kept, *values)


def _values(report: PushedReport) -> list[object]:
    # Most message ids are the reference ids, and are not stored twice.
    stored = replace(report, message_id=None) if report.message_id == report.reference_id else report
    return [getattr(stored, name) for name in _PUSHED]


def _delivery_report(position: str, entry: Mapping[str, str]) -> DeliveryReport:
    campaign_id = entry["campaign_id"] or None
    index = int(entry["index"]) if entry["index"] else None
    return DeliveryReport(
        campaign_id=campaign_id,
        index=index,
        message_id=None if campaign_id is None else entry["message_id"] or entry["reference_id"],
        reference_id=entry["reference_id"],
        status=entry["status"],
        price=entry["price"] or None,
        currency=entry["currency"] or None,
        sent_at=entry["sent_at"] or None,
        delivered_at=entry["delivered_at"] or None,
        received_at=to_datetime(int(Position.parse(position).entry.partition("-")[0])),
        position=position,
    )
