"""Follow all campaigns at once: their transitions, and the delivery reports that BSG pushes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bsg_ledger.delivery_reports import DeliveryReport
from bsg_ledger.records import Transition
from bsg_producer import following
from bsg_producer.producer_base import ProducerBase
from bsg_producer.pushed_reports import name_messages, read_pushed_reports
from bsg_producer.queue_errors import queue_errors


class Feeds(ProducerBase):
    """The methods that follow all campaigns."""

    def events(self, *, since: str | None = None, follow: bool = False) -> Iterator[Transition]:
        """Return every transition of all campaigns, so that an app can update a table of its own.

        The events begin after `since`, the `position` of the last event that the app processed. By default they begin
        with the oldest event in the feed. They end with the newest event, or with `follow` never. The feed keeps the
        last 100 000 events. Raise `FeedGap` if the event after `since` is no longer there.

        An event of a stream's batch has the range of the message ids in it.

        >>> position = producer.latest_event()
        >>> receipt = producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!")
        >>> [event.to_state for event in producer.events(since=position)]
        ['accepted']
        """
        return following.follow_feed(
            self._ledger.feed, since, follow=follow, wait_ms=self._wait_ms, after_a_gap=following.READ_CAMPAIGNS
        )

    def latest_event(self) -> str:
        """Return the position after the newest event. Read it first, then the campaigns, then follow the feed.

        >>> list(producer.events(since=producer.latest_event()))
        []
        """
        with queue_errors():
            return str(self._ledger.feed.latest())

    def delivery_reports(self, *, since: str | None = None, follow: bool = False) -> Iterator[DeliveryReport]:
        """Return every delivery report that BSG pushed, of all campaigns, in the order of arrival. See `callbacks`.

        `since` and `follow` are as in `events`, but the feed and its positions are separate. The feed keeps the last
        DELIVERY_REPORTS_KEPT reports. Raise `FeedGap` if the report after `since` is no longer there. A report may
        come twice, or after a newer one, because BSG repeats a push that did not get 200.

        >>> producer.record_reports([{"reference": f"{campaign_id}000001", "status": "DELIVERED"}])
        >>> [(report.index, report.status) for report in producer.delivery_reports()]
        [(1, 'delivered')]
        """
        return following.follow_feed(
            self._ledger.delivery_reports,
            since,
            follow=follow,
            wait_ms=self._wait_ms,
            after_a_gap=following.READ_REPORTS,
        )

    def latest_delivery_report(self) -> str:
        """Return the position after the newest delivery report.

        >>> list(producer.delivery_reports(since=producer.latest_delivery_report()))
        []
        """
        with queue_errors():
            return str(self._ledger.delivery_reports.latest())

    def record_reports(self, reports: Iterable[Mapping[str, Any]]) -> None:
        """Add delivery reports, each a mapping as BSG pushes it, to their feed. They are on disk when this returns.

        Reports of campaigns that the ledger does not have are left out. Raise `CampaignInvalid`, and add none, if one
        of them is not a report. `callbacks` calls this for reports that BSG pushes over HTTP.

        >>> producer.record_reports([{"reference": f"{campaign_id}000000", "status": "delivered"}])
        >>> producer.record_reports([{"status": "delivered"}])
        Traceback (most recent call last):
        bsg_messages.errors.CampaignInvalid: reports: 0 is not a delivery report: ...
        """
        pushed = read_pushed_reports(reports)
        with queue_errors():
            self._ledger.delivery_reports.record(name_messages(pushed, self._ledger.stream_listing))
            self._ledger.durability.wait_for_disk()
