"""What the ledger says of a campaign, as values: for a status, for watching, for listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bsg_ledger.batch_id import BatchId
from bsg_ledger.states import BatchState, CampaignState, NeedsOperator
from bsg_ledger.times import BEGINNING


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands, by Redis's clock. What is None has not happened yet, or nobody knows it.

    `error` is the cause of its last failure; `cost` as BSG reported it, with the currency. `needs_operator`: what only
    an operator can decide, and `operator_reason` why.
    """

    id: BatchId
    state: BatchState
    size: int
    bsg_campaign_id: int | None = None
    bsg_status: str | None = None
    attempts: int = 0
    error: str | None = None
    statistics: Mapping[str, int] = field(default_factory=dict)
    cost: str | None = None
    needs_operator: NeedsOperator | None = None
    operator_reason: str | None = None
    other_bsg_campaign_ids: Sequence[int] = ()
    total_messages: int | None = None
    not_before: datetime | None = None
    lease_until: datetime | None = None
    intent_at: datetime | None = None
    first_intent_at: datetime | None = None
    submitted_at: datetime | None = None
    bsg_status_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def delivered(self) -> int | None:
        """How many of its messages were delivered; None: nobody knows yet."""
        delivered = self.statistics.get("delivered")
        return delivered if isinstance(delivered, int) else None


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of a campaign's history. `batch` is a batch's id, "chunk N", or "" for the campaign itself.

    A campaign that ends has a line of its own, in the step that ends it: `batch` is "", and `to_state` is final. A
    later line takes it back ("running", as after a retry), or says that it ended otherwise.
    """

    campaign_id: str
    when: datetime
    batch: str
    from_state: str
    to_state: str
    cause: str
    detail: str
    position: str  # in the stream that it was read from: where a reader goes on


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """`counts` are messages by state, with "accepted" and "rejected"; accepted is always the sum of all others."""

    campaign_id: str
    name: str
    state: CampaignState
    paused: bool
    cancelled: bool
    counts: Mapping[str, int]
    batches: Sequence[Batch]
    transitions: Sequence[Transition]
    accepted_at: datetime
    deadline: datetime
    account_name: str
    account: str | None  # None until the first dispatch assigns one


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    campaign_id: str
    name: str
    account_name: str
    state: CampaignState
    paused: bool
    messages: int
    accepted_at: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BatchRecord(Batch):
    """A batch with all that a worker wants to know of it and of its campaign.

    `doubt`: an attempt is in doubt. `suspects`: rows whose reference ids BSG has complained of; None: it has not.
    """

    doubt: bool = False
    suspects: Sequence[int] | None = None
    no_trace: bool = False  # BSG would show it if it had it, and shows nothing
    options: str = field(default="", repr=False)
    cancelled: bool = False
    account: str | None = None
    account_name: str = ""
    accepted_at: datetime = BEGINNING
    deadline: datetime = BEGINNING

    @property
    def since(self) -> datetime:
        """When its first attempt in doubt may have been taken; without one, when its campaign was accepted."""
        return self.first_intent_at or self.accepted_at


@dataclass(frozen=True, slots=True)
class OpenCampaign:
    """A campaign of which something is left to do. `unprepared` counts messages that are not in batches yet."""

    campaign_id: str
    account_name: str
    account: str | None
    accepted_at: datetime
    unprepared: int
    batch_ids: Sequence[BatchId]
