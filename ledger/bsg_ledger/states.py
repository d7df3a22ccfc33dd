"""The states of campaigns, chunks and batches, and how a campaign's state follows from its counts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ChunkState(StrEnum):
    UNPREPARED = "unprepared"
    PREPARING = "preparing"
    PREPARED = "prepared"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class BatchState(StrEnum):
    PENDING = "pending"
    POSTING = "posting"
    UNCONFIRMED = "unconfirmed"
    SUBMITTED = "submitted"
    FINISHED = "finished"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class NeedsOperator(StrEnum):
    """The question about a batch that only an operator can decide."""

    DOUBT = "doubt"  # BSG's data does not show whether BSG has taken it
    LOST = "lost"  # BSG does not know the campaign that it named
    UNREAD = "unread"  # BSG's responses about the campaign are unusable
    UNSTOPPED = "unstopped"  # it is cancelled, and BSG does not know the campaign to stop


class CampaignState(StrEnum):
    ACCEPTED = "accepted"
    PREPARING = "preparing"
    SENDING = "sending"
    SUBMITTED = "submitted"
    COLLECTING = "collecting"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"  # it is compacted, so it is closed, and its record cannot be read

    @property
    def final(self) -> bool:
        return self in FINAL_CAMPAIGN_STATES or self is CampaignState.UNREADABLE


FINAL_CAMPAIGN_STATES = frozenset(
    {CampaignState.DONE, CampaignState.CANCELLED, CampaignState.FAILED, CampaignState.EXPIRED}
)

# Every accepted message is in exactly one of these states at any moment.
MESSAGE_STATES: tuple[str, ...] = ("unprepared", "rejected", *(state.value for state in BatchState))


def campaign_state(
    counts: Mapping[str, int], *, cancelled: bool, started: bool, collecting: bool = False
) -> CampaignState:
    """Return the campaign's state by its messages' states: the first rule that fits.

    `started`: a worker has leased a chunk of it. `collecting`: it takes up messages of its stream. docs/architecture.md
    prints this table.
    """
    present = {state for state, messages in counts.items() if messages > 0}
    if "unprepared" in present:
        return CampaignState.PREPARING if started else CampaignState.ACCEPTED
    if present & {"pending", "posting", "unconfirmed"}:
        return CampaignState.SENDING
    if "submitted" in present:
        return CampaignState.SUBMITTED
    if cancelled:
        return CampaignState.CANCELLED
    if collecting:
        return CampaignState.COLLECTING
    if "finished" in present:
        return CampaignState.DONE
    if "expired" in present:
        return CampaignState.EXPIRED
    return CampaignState.FAILED
