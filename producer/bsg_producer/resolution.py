"""An operator's decision on batches in doubt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bsg_ledger.batch_id import BatchId
from bsg_ledger.batches import STALE
from bsg_ledger.doubts import Doubt
from bsg_ledger.ledger import Ledger
from bsg_ledger.states import NeedsOperator
from bsg_messages.campaign_ids import is_campaign_id
from bsg_messages.errors import CampaignInvalid
from bsg_producer.errors import CampaignNotFound

NEXT_LOOK_MS = 60_000  # until the next look-up at BSG


@dataclass(frozen=True, slots=True)
class Resolved:
    """The result for one of many batches. `state` is `stale` if the batch was not changed, as it is not as shown.

    >>> resolved = Resolved(BatchId("campaign-0"), messages=2, state="pending")
    >>> resolved.changed
    True
    """

    batch: BatchId
    messages: int
    state: str

    @property
    def changed(self) -> bool:
        return self.state != STALE


def resolve(ledger: Ledger, batch: BatchId, *, sent: int | None, not_sent: bool) -> str:
    """Return the batch's new state. Raise `CampaignInvalid` if the decision is ambiguous, or the batch needs none."""
    if (sent is not None) == not_sent:  # guard: one-decision
        raise CampaignInvalid({"resolve": ["say either that it was sent, with its BSG campaign id, or not sent"]})
    if sent is not None and sent < 1:
        raise CampaignInvalid({"sent": ["not the id of a campaign at BSG, which is above 0: look it up there"]})
    status = ledger.reading.status(batch.campaign_id) if is_campaign_id(batch.campaign_id) else None
    if status is None:
        raise CampaignNotFound(batch.campaign_id)
    records = ledger.reading.batch_records([batch])
    if not records:
        raise CampaignInvalid({"batch": [f"there is no batch {batch}: the campaign's status lists them"]})
    record = records[0]
    needs_operator = record.state == "submitted" and record.needs_operator is not None
    if record.state != "unconfirmed" and not needs_operator:  # guard: decision-requested
        raise CampaignInvalid({"batch": [f"it is {record.state} and needs no operator: there is nothing to resolve"]})
    if needs_operator and not_sent and record.needs_operator is not NeedsOperator.LOST:
        raise CampaignInvalid(
            {"not_sent": [f"BSG does not deny campaign {record.bsg_campaign_id}: it may have sent it"]}
        )
    if needs_operator and sent not in (None, record.bsg_campaign_id):
        raise CampaignInvalid({"sent": [f"BSG named campaign {record.bsg_campaign_id} for it: give that id"]})
    if sent is None:
        state = ledger.batches.resolve_not_sent(batch)
    elif needs_operator:
        state = ledger.batches.resolve_sent(batch, bsg_campaign_id=sent, next_poll_ms=NEXT_LOOK_MS)
    else:
        state = ledger.batches.taken(
            batch,
            account=status.account or "",
            bsg_campaign_id=sent,
            bsg_status="",
            next_poll_ms=0,
            cause="operator: sent",
        )
    if state == STALE:
        raise CampaignInvalid({"batch": ["it has just moved on: look at its status again"]})
    if state == "owned":  # guard: decision-campaign-free
        raise CampaignInvalid({"sent": ["that BSG campaign belongs to another batch: check the id"]})
    return state


def batch_named(text: str) -> BatchId:
    """Return the batch id. Raise `CampaignInvalid` if the text is not one."""
    try:
        return BatchId(text)
    except ValueError as error:
        raise CampaignInvalid({"batch": [f"{error}: the campaign's status lists them"]}) from None


def resolve_all_not_sent(ledger: Ledger, doubts: Iterable[Doubt]) -> list[Resolved]:
    """Record each batch as not sent, one step a batch, if it is still as it was shown. It is safe to repeat.

    A batch that needs no operator, or of which BSG has any trace, is not changed.
    """
    resolved = []
    for doubt in doubts:
        state = ledger.batches.resolve_not_sent(doubt.batch, shown_attempts=doubt.attempts)
        resolved.append(Resolved(doubt.batch, doubt.messages, state))
    return resolved
