"""What a campaign waits for. One rule decides each reason; the command line, Flower and the alerts show the same.

To add a reason: a member of `WaitReason`, a rule in `waiting_rules`, and its text in `waiting_texts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bsg_ledger.batch_id import BatchId
from bsg_ledger.gate import GateState
from bsg_ledger.states import NeedsOperator


class WaitReason(StrEnum):
    """Why messages wait, or how they ended. A campaign with several reasons names them in this order."""

    OPERATOR_DECIDES = "operator_decides"  # in doubt, and BSG's data cannot decide it
    LOST_AT_BSG = "lost_at_bsg"  # BSG does not know the campaign that it named: an operator decides
    UNREAD_AT_BSG = "unread_at_bsg"  # BSG's responses about the campaign are unusable: an operator decides
    UNSTOPPED = "unstopped"  # cancelled, and BSG does not know the campaign to stop
    UNREADABLE_RECORD = "unreadable_record"  # it is compacted, and its record cannot be read
    LOST_KEY = "lost_key"  # begun under a key that no process has any more
    MAX_COST = "max_cost"
    PAUSED = "paused"
    NO_KEY = "no_key"  # no key of the account is set here
    UNREADABLE = "unreadable"  # such as encrypted with a key that the workers do not have
    PAST_DEADLINE = "past_deadline"
    GATE = "gate"
    HALF_OPEN = "half_open"  # the gate lets one batch through at a time
    NO_WORKER = "no_worker"  # due, and no worker takes it
    PAUSED_AT_BSG = "paused_at_bsg"
    MODERATION = "moderation"  # in moderation at BSG
    COOL_DOWN = "cool_down"
    MAX_COST_PER_DAY = "max_cost_per_day"  # of its stream, until midnight UTC
    SENDING_HOURS = "sending_hours"
    ON_THE_WIRE = "on_the_wire"
    PREPARE = "prepare"
    PRICE = "price"  # a max_cost is set, and BSG has reported no price yet
    BACKOFF = "backoff"
    RATE_LIMIT = "rate_limit"
    DOUBT = "doubt"
    STOPPING = "stopping"  # cancelled, and BSG has not stopped it yet
    SCHEDULED = "scheduled"  # BSG has it and sends it at start_at
    AT_BSG = "at_bsg"
    SPAM = "spam"  # did not pass BSG's moderation
    LATE_REPORTS = "late_reports"
    REFUSED = "refused"
    EXPIRED = "expired"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FINISHED = "finished"

    @property
    def final(self) -> bool:
        """Return whether nothing more happens automatically, apart from polls for late deliveries."""
        return self in _FINAL

    @property
    def needs_operator(self) -> bool:
        return self in _NEEDS_OPERATOR


_FINAL = frozenset(
    {
        WaitReason.SPAM, WaitReason.LATE_REPORTS, WaitReason.REFUSED, WaitReason.EXPIRED, WaitReason.REJECTED,
        WaitReason.CANCELLED, WaitReason.FINISHED,
    }
)  # fmt: skip
_NEEDS_OPERATOR = frozenset(
    {WaitReason.OPERATOR_DECIDES, WaitReason.LOST_AT_BSG, WaitReason.UNREAD_AT_BSG, WaitReason.UNSTOPPED}
)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """The facts for all campaigns of an account. `gate` and `busy` are None if the account is not known here."""

    name: str
    key_missing: bool = False  # keys are set here, but none of this account
    key_lost: bool = False  # no process has the key under which the campaign was begun
    gate: GateState | None = None
    cooling_until: datetime | None = None
    busy: bool | None = None  # a worker has just taken work of it, or used its rate limit
    limit: str = ""


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """The facts for all batches of a campaign. `stream`: the stream that it belongs to; "" if to none."""

    campaign_id: str
    account_name: str
    deadline: datetime
    stream: str = ""
    cancelled: bool = False
    paused: bool = False
    paused_by_max_cost: str = ""  # why
    max_cost_per_day: str = ""  # of its stream, if it is reached
    max_cost_until: datetime | None = None  # until when that holds it
    start_at: datetime | None = None
    awaits_price: bool = False
    unreadable: str = ""  # why a worker could not read its messages, lately
    unreadable_record: str = ""  # why nothing is known of it
    opening: datetime | None = None  # when `send_between` lets something leave; None: now


@dataclass(frozen=True, slots=True)
class Group:
    """Messages in one state: a batch, messages in no batch, or all batches in a state if they are not read singly."""

    state: str
    messages: int
    batches: int = 0
    batch_ids: tuple[BatchId, ...] = ()
    needs_operator: NeedsOperator | None = None
    operator_reason: str = ""
    error: str = ""
    due: datetime | None = None  # the time from which a worker may take it
    lease_until: datetime | None = None
    look: datetime | None = None  # the time of the next look-up at BSG
    intent_at: datetime | None = None
    bsg_campaign_id: int | None = None
    bsg_status: str = ""
    bsg_status_at: datetime | None = None  # the time when it got that status
    others: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """What some messages wait for. `until`: when the first of them continues, if known.

    `cause` is the gate's reason, the last failure, BSG's status or the rate limit, depending on the reason.
    """

    reason: WaitReason
    campaign_id: str
    account_name: str
    messages: int
    batches: int = 0
    batch_ids: tuple[BatchId, ...] = ()
    stream: str = ""
    cause: str = ""
    until: datetime | None = None
    since: datetime | None = None
    bsg_campaign_id: int | None = None
    others: tuple[int, ...] = ()

    @property
    def _alike(self) -> tuple[object, ...]:
        singly = self.batch_ids if self.reason.needs_operator else ()
        return self.reason, self.cause, self.others, singly
