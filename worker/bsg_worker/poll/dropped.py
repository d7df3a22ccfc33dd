"""Messages that BSG silently left out: its total is held against the batch's size (rule 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bsg_client.responses import CampaignDetail, CampaignResponse
from bsg_config import clock
from bsg_ledger.records import BatchRecord
from bsg_messages.bodies import rejected, without
from bsg_messages.rejects import RejectCode, Violation
from bsg_worker.pace import FINAL
from bsg_worker.poll.earlier import find_elsewhere, listed_in, listed_in_others, record_earlier
from bsg_worker.runtime import Runtime

_DROPPED = Violation("", RejectCode.DROPPED_BY_BSG, "BSG took the batch without this message")


@dataclass(frozen=True, slots=True)
class Total:
    """How many messages BSG has by its own count, None if not yet. `ages`: some seem to be missing, but not surely."""

    messages: int | None
    ages: bool = False


def reject_dropped(runtime: Runtime, record: BatchRecord, response: CampaignResponse) -> Total | None:
    """Make rejects of the messages that BSG does not have; return the total that it reported.

    Return None if the campaign of an earlier attempt was found: what BSG says of this one does not count any more.

    Believed only when two numbers agree, the total that BSG prints and the count of our reference ids that it lists,
    both twice, BSG_CONFIRM_WITHIN apart: a total may still be growing, and messages may not be listed yet.
    """
    began = clock.monotonic()
    if response.status == "creation" or record.total_messages == record.size:
        return Total(record.total_messages)
    detail = response if isinstance(response, CampaignDetail) else None
    if detail is None:
        if response.status not in FINAL:
            # The end is soon enough: one request a batch instead of one a look.
            return Total(record.total_messages)
        detail = runtime.client.campaign(response.id)
    if detail.total_messages is None or detail.total_messages >= record.size:
        return Total(detail.total_messages)
    # A total that was different at the last look may still be growing.
    if detail.status not in FINAL and detail.total_messages != record.total_messages:  # guard: total-still
        return Total(detail.total_messages)
    return _compare_total(runtime, record, detail.id, detail.total_messages, began)


def _compare_total(
    runtime: Runtime, record: BatchRecord, bsg_campaign_id: int, total: int, began: float
) -> Total | None:
    rows = runtime.messages_of(record.id)
    if not rows:
        return Total(total)
    ours = {row["reference_id"] for row in rows}
    listed = listed_in(runtime.client, bsg_campaign_id, ours)
    missing = ours - listed - listed_in_others(runtime.client, record, ours)  # guard: other-campaign-is-not-missing
    if len(rows) != record.size or len(listed) != total or not missing:  # guard: total-equals-list
        return Total(total)
    subject = f"dropped of {record.id}"
    if not runtime.confirmations.confirm(
        subject,
        finding=total,
        began=began,
        ended=clock.monotonic(),
        confirm_within=runtime.account.bsg_confirm_within,
    ):
        return Total(total, ages=True)  # guard: total-seen-twice
    # An earlier attempt whose response was lost may have them: then they are sent, and BSG dropped them as duplicates.
    elsewhere = find_elsewhere(runtime, record, rows, missing)
    runtime.confirmations.forget(subject)
    if elsewhere.campaigns:  # guard: earlier-attempt-is-no-reject
        record_earlier(runtime, record, listed, elsewhere)
        return None
    missing -= elsewhere.at_bsg  # guard: unknown-is-no-reject
    if missing:
        _reject(
            runtime, record, rows, {position for position, row in enumerate(rows) if row["reference_id"] in missing}
        )
    return Total(total)


def _reject(runtime: Runtime, record: BatchRecord, rows: Sequence[Any], dropped: set[int]) -> None:
    indexes = runtime.ledger.reading.rows(record.id)
    rest, rest_rows = without(rows, indexes, dropped, runtime.cipher)
    runtime.ledger.batches.shrink(
        record.id,
        state=record.state,
        size=record.size,
        rest=rest,
        rest_rows=rest_rows,
        cause="BSG left messages out",
        rejects=rejected(rows, indexes, dict.fromkeys(dropped, _DROPPED)),
    )
