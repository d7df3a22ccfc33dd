"""The state of a whole stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bsg_ledger.ledger import Ledger
from bsg_ledger.records import CampaignSummary


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """`counts` has the messages of all its campaigns by state, "accepted" included. `campaigns`: the newest first.

    >>> codes = producer.stream("codes", sender="MyShop")
    >>> codes.send({"phone": 380661231231, "text": "Your code is 1234"}).duplicate
    False
    >>> codes.status().counts["pending"]
    1
    """

    name: str
    paused: bool
    counts: Mapping[str, int]
    campaigns: Sequence[CampaignSummary]


def read_stream(ledger: Ledger, name: str) -> StreamStatus:
    """Return the stream's status. A stream without a message has no campaigns."""
    paused, campaign_ids = ledger.streams.head(name)
    campaigns = list(ledger.reading.summaries(campaign_ids))
    counts = Counter[str]()
    for campaign in campaigns:
        counts.update(campaign.counts)
    return StreamStatus(name, paused, counts, campaigns)
