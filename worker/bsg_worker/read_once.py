"""BSG's lists, each read once for all that is looked for in one round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bsg_worker.client.answers import CampaignAnswer, CampaignDetail, MessageRow
from bsg_worker.lookup import Reads
from bsg_worker.spans import listed_between


class ReadOnce:
    """Asks `reads` for what it has not been asked yet. `since` is the earliest moment that anybody asks for."""

    def __init__(self, reads: Reads, since: datetime, until: datetime) -> None:
        self._reads = reads
        self._since, self._until = since, until
        self._list: Sequence[CampaignAnswer] | None = None
        self._campaigns: dict[int, CampaignDetail] = {}
        self._messages: dict[int, Sequence[MessageRow]] = {}

    def campaign(self, bsg_id: int) -> CampaignDetail:
        if bsg_id not in self._campaigns:
            self._campaigns[bsg_id] = self._reads.campaign(bsg_id)
        return self._campaigns[bsg_id]

    def campaigns(self, since: datetime, until: datetime) -> Iterable[CampaignAnswer]:
        if self._list is None:
            self._list = list(listed_between(self._reads, self._since, self._until))
        return self._list

    def messages(self, campaign_id: int | None = None, reference_id: str | None = None) -> Iterable[MessageRow]:
        if campaign_id is None or reference_id is not None:
            return self._reads.messages(campaign_id=campaign_id, reference_id=reference_id)
        if campaign_id not in self._messages:
            self._messages[campaign_id] = list(self._reads.messages(campaign_id=campaign_id))
        return self._messages[campaign_id]
