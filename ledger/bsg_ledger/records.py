"""What the ledger says of a campaign, as values: for a status, for watching, for listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bsg_ledger.batch_id import BatchId
from bsg_ledger.states import BatchState, CampaignState


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands. `error` is the cause of its last failure; `cost` as BSG reported it, with the currency."""

    id: BatchId
    state: BatchState
    size: int
    bsg_campaign_id: int | None
    bsg_status: str | None
    attempts: int
    error: str | None
    statistics: Mapping[str, int]
    cost: str | None
    needs_operator: bool = False
    other_bsg_campaign_ids: Sequence[int] = ()
    total_messages: int | None = None


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
class BatchRecord:
    """All that a worker wants to know of a batch at BSG. Times in milliseconds of Redis's clock."""

    id: BatchId
    state: str
    size: int
    attempts: int
    first_intent_ms: int
    submitted_ms: int
    finished_ms: int
    bsg_campaign_id: int | None
    bsg_status: str
    doubt: bool
    suspects: Sequence[int]
    total_messages: int | None
    options: str = field(repr=False)
    cancelled: bool = False
    account: str | None = None
    accepted_ms: int = 0
    needs_operator: str = ""  # what an operator is asked about: doubt, lost, unread or unstopped; "": nothing
    other_bsg_campaign_ids: Sequence[int] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class OpenCampaign:
    """A campaign of which something is left to do. `unprepared` counts messages that are not in batches yet."""

    campaign_id: str
    account_name: str
    account: str | None
    accepted_ms: int
    unprepared: int
    batch_ids: Sequence[BatchId]
