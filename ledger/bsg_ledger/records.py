"""The ledger's records as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bsg_ledger.batch_id import BatchId
from bsg_ledger.states import BatchState, CampaignState, NeedsOperator
from bsg_ledger.times import BEGINNING


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch's current state. Times are by Redis's clock. None: it has not happened yet, or is unknown.

    `error` is the cause of the last failure. `cost` is as BSG reported it, with the currency. `needs_operator` is what
    only an operator can decide, and `operator_reason` is why.

    >>> batch = Batch(BatchId("campaign-0"), BatchState.FINISHED, 3, statistics={"delivered": 2})
    >>> batch.id.number, batch.size, batch.delivered, batch.finished_at
    (0, 3, 2, None)
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
        """Return how many of its messages were delivered; None if that is unknown."""
        delivered = self.statistics.get("delivered")
        return delivered if isinstance(delivered, int) else None


@dataclass(frozen=True, slots=True)
class MessageRange:
    """The messages of a stream that a batch has: those whose ids are from `first` to `last`, compared as text.

    `first` and `last` are limits, not ids of messages: a message id ends in random characters, which a range ignores.
    A message within the range that is rejected is not in the batch any more.

    >>> codes = producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
    >>> receipts = [codes.send({"phone": 380661231231 + number, "code": number}) for number in range(3)]
    >>> sent = list(producer.events())[-1].messages
    >>> sent.stream, all(sent.first <= receipt.message_id <= sent.last for receipt in receipts)
    ('codes', True)
    """

    stream: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Transition:
    """A transition. `batch` is a batch's id, "chunk N", or "" for the campaign itself.

    `Producer.events` adds `messages` to the transitions of streams' batches: the messages that the batch has when it is
    read. While a batch is pending, it may take up more of them. Other transitions have none.

    The step that ends a campaign records a transition with `batch` "" and a final `to_state`. A later transition
    reopens the campaign ("running", as after a retry), or records another end.

    >>> batch = BatchId("campaign-0")
    >>> sent = Transition("campaign", BEGINNING, batch, "posting", "submitted", "taken", "", "1900000000000-0.7")
    >>> sent.batch.number, sent.to_state
    (0, 'submitted')
    """

    campaign_id: str
    when: datetime
    batch: str
    from_state: str
    to_state: str
    cause: str
    detail: str
    position: str  # in its stream: a reader continues after it
    messages: MessageRange | None = None


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """`counts` has the messages by state. "accepted" is always the sum of all others, "rejected" included.

    >>> status = producer.status(campaign_id)
    >>> status.counts["accepted"] == sum(size for state, size in status.counts.items() if state != "accepted")
    True
    >>> [(batch.id == f"{campaign_id}-0", batch.size) for batch in status.batches]
    [(True, 2)]
    """

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
    """A campaign in a list. `messages`: how many were accepted. `counts` is as in `CampaignStatus`.

    >>> summary = next(producer.campaigns())
    >>> summary.campaign_id == campaign_id, summary.account_name, summary.messages, summary.state.final
    (True, 'default', 3, True)
    """

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
    """A batch with the data that workers need of it and of its campaign.

    `doubt`: an attempt is in doubt. `suspects`: rows whose reference ids BSG has rejected; None: there are none.
    `collected`: it is a stream's batch, which takes up messages until its first attempt.
    """

    doubt: bool = False
    suspects: Sequence[int] | None = None
    collected: bool = False
    no_trace: bool = False  # BSG would show the batch if it had it, and does not
    options: str = field(default="", repr=False)
    cancelled: bool = False
    account: str | None = None
    account_name: str = ""
    accepted_at: datetime = BEGINNING
    deadline: datetime = BEGINNING

    @property
    def since(self) -> datetime:
        """Return the time of its first attempt in doubt; without one, the time when its campaign was accepted."""
        return self.first_intent_at or self.accepted_at

    @property
    def may_differ(self) -> bool:
        """Return whether BSG may have taken other messages as this batch, although as many.

        If the ledger went back, a stream's batch that it had sent may have taken up messages again. A look-up or a late
        response shows it then. A response to the only attempt shows that BSG has the batch as it is.
        """
        was_found = self.attempts == 0 or self.doubt  # guard: found-batch-may-differ
        return self.collected and was_found and self.state is BatchState.SUBMITTED


@dataclass(frozen=True, slots=True)
class OpenCampaign:
    """A campaign that is not closed. `unprepared` counts messages that are not in batches yet."""

    campaign_id: str
    account_name: str
    account: str | None
    accepted_at: datetime
    unprepared: int
    batch_ids: Sequence[BatchId]
