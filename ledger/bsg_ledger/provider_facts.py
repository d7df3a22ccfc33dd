"""What was measured of BSG for one account: facts where its documents say nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum

import redis

from bsg_ledger import schema
from bsg_ledger.replies import typed


class DuplicateRule(StrEnum):
    """What BSG does with a reference id that it has already."""

    REJECTED_WHOLE = "rejected_whole"  # the whole request
    REJECTED_SINGLY = "rejected_singly"  # the message; the rest is taken
    REJECTED = "rejected"  # one of the two: a request of one message does not show which
    TAKEN = "taken"  # it sends the message again
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """`message_visible_after` and `campaign_listed_after` are seconds, None if it took longer than was waited.

    `minutes_east`: how far BSG's printed times are ahead of UTC. `stop_in_creation`, `stop_in_scheduled`: whether a
    stop is taken in that state, None if it was not seen in it. Of `requests` that came at the pace of `rate`, in
    requests a second, BSG throttled `throttled`.
    """

    measured_at: datetime
    duplicates: DuplicateRule
    message_visible_after: float | None
    campaign_listed_after: float | None
    minutes_east: int | None
    stop_in_creation: bool | None
    stop_in_scheduled: bool | None
    rate: float
    requests: int
    throttled: int

    @property
    def sustained_rate(self) -> float:
        """The requests a second that BSG took at that pace."""
        return self.rate * (self.requests - self.throttled) / self.requests


class ProviderFactsStore:
    """The facts of one account in the ledger."""

    def __init__(self, client: redis.Redis, account: str) -> None:
        self._client = typed(client)
        self._key = schema.FACTS(account)

    def save(self, facts: ProviderFacts) -> None:
        """Keep them instead of earlier ones."""
        self._client.set(self._key, json.dumps(asdict(facts), default=datetime.isoformat))

    def load(self) -> ProviderFacts | None:
        """Return them; None if nothing was measured, or by another version of this library."""
        written = self._client.get(self._key)
        if written is None:
            return None
        try:
            facts = ProviderFacts(**json.loads(written))
            return replace(
                facts,
                measured_at=datetime.fromisoformat(str(facts.measured_at)),
                duplicates=DuplicateRule(facts.duplicates),
            )
        except (TypeError, ValueError):
            return None
