"""Read campaigns: their status, rejects, transitions and the status of their messages at BSG."""

from __future__ import annotations

from collections.abc import Iterator

from bsg_ledger.records import CampaignStatus, CampaignSummary, Transition
from bsg_messages.rejects import Reject
from bsg_producer import following
from bsg_producer.producer_base import ProducerBase, checked, known
from bsg_producer.queue_errors import queue_errors
from bsg_producer.reporting import MessageReport


class CampaignReads(ProducerBase):
    """The methods that read one campaign, or list all."""

    def status(self, campaign_id: str) -> CampaignStatus:
        """Return the campaign's status: its state, messages by state, batches and every transition.

        >>> status = producer.status(campaign_id)
        >>> status.state.value, status.counts["accepted"], status.counts["finished"], status.counts["rejected"]
        ('done', 3, 2, 1)
        >>> producer.status("unknown")
        Traceback (most recent call last):
        bsg_producer.errors.CampaignNotFound: there is no campaign unknown: check its id; ...
        """
        with queue_errors():
            return known(campaign_id, self._ledger.reading.status(checked(campaign_id)))

    def summary(self, campaign_id: str) -> CampaignSummary:
        """Return the campaign as `campaigns` does: without its batches and transitions, of which it may have thousands.

        >>> producer.summary(campaign_id).counts["finished"]
        2
        """
        with queue_errors():
            return known(campaign_id, self._ledger.reading.summary(checked(campaign_id)))

    def campaigns(self) -> Iterator[CampaignSummary]:
        """Return every campaign of the ledger, the newest first.

        >>> [(summary.campaign_id == campaign_id, summary.messages) for summary in producer.campaigns()]
        [(True, 3)]
        """
        with queue_errors():
            yield from self._ledger.reading.campaigns()

    def rejects(self, campaign_id: str) -> Iterator[Reject]:
        """Return the messages that will not be sent, each with its index in the iterable (from 0) and the reason.

        >>> for reject in producer.rejects(campaign_id):
        ...     print(reject.index, reject.code, reject.message)
        2 invalid_phone not an international phone number: write 9 to 15 digits with the country code, ...
        """
        self.summary(campaign_id)
        with queue_errors():
            for row in self._ledger.reading.rejects(campaign_id):
                yield Reject.from_json(row)

    def report(self, campaign_id: str) -> Iterator[MessageReport]:
        """Return each message of the campaign with its current status at BSG, read from BSG page by page.

        This needs the account's key and the extra `worker`. It shares the limit of the workers' status requests. Raise
        `ReportUnavailable` if BSG does not respond.

        >>> sorted((row.index, row.status, row.price) for row in producer.report(campaign_id))
        [(0, 'delivered', '0.0100000'), (1, 'delivered', '0.0100000')]
        """
        from bsg_producer.asking_bsg import read_report  # most processes only enqueue

        return read_report(self._settings, checked(campaign_id))

    def watch(self, campaign_id: str) -> Iterator[Transition]:
        """Return every transition, from the first on and as it happens, until the campaign is final.

        >>> [transition.to_state for transition in producer.watch(campaign_id) if not transition.batch]
        ['accepted', 'done']
        """
        return following.watch(self._ledger, checked(campaign_id), wait_ms=self._wait_ms)
