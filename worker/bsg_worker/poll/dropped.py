"""Find messages that BSG silently dropped, by comparing its total with the batch's size (rule 5)."""

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
    """BSG's own count of messages, None if there is none yet. `ages`: missing messages have to be confirmed later."""

    messages: int | None
    ages: bool = False


def reject_dropped(runtime: Runtime, record: BatchRecord, response: CampaignResponse) -> Total | None:
    """Make rejects of the messages that BSG does not have. Return the total that BSG reported.

    Return None if the campaign of an earlier attempt was found, because then this campaign may no longer count.

    Messages are missing only if BSG's total equals the number of our reference ids that it lists, in two reads
    BSG_CONFIRM_WITHIN apart: a total may still grow, and messages may not be listed yet.
    """
    began = clock.monotonic()
    if response.status == "creation" or record.total_messages == record.size:
        return Total(record.total_messages)
    detail = response if isinstance(response, CampaignDetail) else None
    if detail is None:
        if response.status not in FINAL:
            # Comparing at the end takes one request a batch instead of one a poll.
            return Total(record.total_messages)
        detail = runtime.client.campaign(response.id)
    if detail.total_messages is None or detail.total_messages >= record.size:
        return Total(detail.total_messages)
    # A total that differs from the last poll may still grow.
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
    # An earlier attempt whose response was lost may have sent them. Then BSG dropped them here as duplicates.
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
