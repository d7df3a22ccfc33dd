"""Control a campaign: pause, resume, cancel, retry."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bsg_config import clock
from bsg_messages.errors import CampaignInvalid
from bsg_producer.campaign_arguments import check_deadline
from bsg_producer.errors import CampaignNotFound
from bsg_producer.producer_base import ProducerBase, checked, known
from bsg_producer.queue_errors import queue_errors
from bsg_producer.resuming import resume

RETRY_REFUSALS = {
    "late": ("deadline", "the campaign's deadline has passed: give a new one"),
    "forgotten": ("campaign", "its messages are no longer kept (BODY_RETENTION): enqueue them anew"),
    "cancelled": ("campaign", "it was cancelled, which is for good: enqueue its messages anew"),
}


class CampaignControl(ProducerBase):
    """The methods that change what becomes of a campaign."""

    def pause(self, campaign_id: str) -> None:
        """Hold the batches that have not been sent. BSG continues what it already has.

        >>> campaign_id = producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!").campaign_id
        >>> producer.pause(campaign_id)
        >>> producer.status(campaign_id).paused
        True
        """
        with queue_errors():
            if not self._ledger.campaigns.pause(checked(campaign_id)):
                raise CampaignNotFound(campaign_id)

    def resume(self, campaign_id: str, *, max_cost: float | Decimal | str | None = None) -> None:
        """Continue a paused campaign, with another `max_cost` for the whole campaign if given ("none" removes it).

        Raise `CampaignInvalid` and change nothing if its `max_cost` would pause it again at once.

        >>> producer.pause(campaign_id)
        >>> producer.resume(campaign_id, max_cost="12.50")
        >>> producer.status(campaign_id).paused
        False
        """
        with queue_errors():
            if not resume(self._ledger, checked(campaign_id), max_cost):
                raise CampaignNotFound(campaign_id)
        self._wake(campaign_id)

    def cancel(self, campaign_id: str) -> int:
        """End what is unsent, and stop the rest at BSG. Return how many messages BSG has or may have.

        >>> campaign_id = producer.enqueue([{"phone": 380661231231}], sender="MyShop", text="Hello!").campaign_id
        >>> producer.cancel(campaign_id)  # nothing has been sent yet
        0
        """
        with queue_errors():
            _, gone = known(campaign_id, self._ledger.campaigns.cancel(checked(campaign_id)))
        return gone

    def retry(self, campaign_id: str, deadline: datetime | None = None) -> int:
        """Send again the messages that BSG refused or that have expired. Return how many they are.

        Raise `CampaignInvalid` if the campaign was cancelled, if its deadline has passed and no new one is given, or if
        its messages are no longer stored (BODY_RETENTION).

        >>> producer.retry(refused_id, deadline=datetime.now(UTC) + timedelta(hours=6))
        1
        """
        deadline_ms = None
        if deadline is not None:
            deadline_ms = int(check_deadline(deadline, clock.now()).timestamp() * 1000)
        with queue_errors():
            kind, messages = self._ledger.campaigns.retry(checked(campaign_id), deadline_ms=deadline_ms)
        if kind == "gone":
            raise CampaignNotFound(campaign_id)
        if kind in RETRY_REFUSALS:
            field, message = RETRY_REFUSALS[kind]
            raise CampaignInvalid({field: [message]})
        self._wake(campaign_id)
        return messages
