"""The state of a whole stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bsg_ledger.ledger import Ledger
from bsg_ledger.records import CampaignSummary


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """`counts` has the messages of its campaigns by state, "accepted" included. `campaigns`: the newest first.

    >>> producer.stream("codes", sender="MyShop").send({"phone": 380661231231, "text": "Your code is 1234"}).duplicate
    False
    >>> producer.streams()[0].counts["pending"]
    1
    """

    name: str
    paused: bool
    counts: Mapping[str, int]
    campaigns: Sequence[CampaignSummary]


def read_stream(ledger: Ledger, name: str) -> StreamStatus:
    """Return the stream's status. A stream without a message has no campaigns."""
    (status,) = read_streams(ledger, [name])
    return status


def read_streams(ledger: Ledger, names: Sequence[str]) -> list[StreamStatus]:
    """Return the status of each of these streams. The campaigns of all are read together, in few round trips."""
    heads = ledger.streams.heads(names)
    campaign_ids = [campaign_id for _, campaigns in heads for campaign_id in campaigns]
    summaries = {summary.campaign_id: summary for summary in ledger.reading.summaries(campaign_ids)}
    return [
        _status(name, [summaries[one] for one in campaigns if one in summaries], paused=paused)
        for name, (paused, campaigns) in zip(names, heads, strict=True)
    ]


def _status(name: str, campaigns: Sequence[CampaignSummary], *, paused: bool) -> StreamStatus:
    counts = Counter[str]()
    for campaign in campaigns:
        counts.update(campaign.counts)
    return StreamStatus(name, paused, counts, campaigns)
