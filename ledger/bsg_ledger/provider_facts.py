"""Facts about BSG that its documents do not state, measured for one account."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum

import redis

from bsg_ledger import schema
from bsg_ledger.replies import typed


class DuplicateRule(StrEnum):
    """What BSG does with a reference id that it knows already."""

    REJECTED_WHOLE = "rejected_whole"  # the whole request
    REJECTED_SINGLY = "rejected_singly"  # the message; the rest is taken
    REJECTED = "rejected"  # one of the two: a request of one message does not show which
    TAKEN = "taken"  # BSG sends the message again
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """`message_visible_after` and `campaign_listed_after` are seconds; None if the measurement timed out.

    `minutes_east`: how far BSG's printed times are ahead of UTC. `stop_in_creation`, `stop_in_scheduled`: whether BSG
    accepts a stop in that state; None if that was not observed. BSG throttled `throttled` of `requests` at `rate`
    requests a second.
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
        """Return the requests a second that BSG accepted at that rate."""
        return self.rate * (self.requests - self.throttled) / self.requests


class ProviderFactsStore:
    """The facts of one account in the ledger."""

    def __init__(self, client: redis.Redis, account: str) -> None:
        self._client = typed(client)
        self._key = schema.FACTS(account)

    def save(self, facts: ProviderFacts) -> None:
        """Store the facts. They replace earlier ones."""
        self._client.set(self._key, json.dumps(asdict(facts), default=datetime.isoformat))

    def load(self) -> ProviderFacts | None:
        """Return the facts; None if there are none, or another version of this library stored them."""
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
