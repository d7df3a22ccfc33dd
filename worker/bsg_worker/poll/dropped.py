"""Find messages that BSG does not have, by comparing its total with the batch's size.

A batch that may differ from what BSG has taken is also compared by reference ids, at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import CampaignDetail, CampaignResponse
from bsg_config import clock
from bsg_ledger.records import BatchRecord
from bsg_messages.bodies import rejected, without
from bsg_messages.body_cipher import DecryptionError
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

    Return None if the campaign of an earlier attempt was found, because then this campaign may no longer count. Raise
    `ReadFailed` if BSG does not respond, or does not list all messages of a campaign that has to be compared.

    Messages are missing only if BSG's total equals the number of our reference ids that it lists, in two reads
    BSG_CONFIRM_WITHIN apart: a total may still grow, and messages may not be listed yet.
    """
    began = clock.monotonic()
    # BSG may have as many other messages. Comparing at the end reads its list once.
    unproven = record.may_differ and response.status in FINAL  # guard: found-batch-compared
    if response.status == "creation" or (record.total_messages == record.size and not unproven):
        return Total(record.total_messages)
    detail = response if isinstance(response, CampaignDetail) else None
    if detail is None:
        if response.status not in FINAL:
            # Comparing at the end takes one request a batch instead of one a poll.
            return Total(record.total_messages)
        detail = runtime.client.campaign(response.id)
    total = detail.total_messages
    if not unproven:
        if total is None or total >= record.size:
            return Total(total)
        # A total that differs from the last poll may still grow.
        if detail.status not in FINAL and total != record.total_messages:  # guard: total-still
            return Total(total)
    return _compare_total(runtime, record, detail, began, unproven=unproven)


def _compare_total(
    runtime: Runtime, record: BatchRecord, detail: CampaignDetail, began: float, *, unproven: bool
) -> Total | None:
    total = detail.total_messages
    try:
        rows = runtime.messages_of(record.id)
    except DecryptionError as error:
        # A total that cannot be compared is no better than an unusable response.
        raise ReadFailed(str(error), status=200) from None
    if not rows:
        return Total(total)
    ours = {row["reference_id"] for row in rows}
    at_bsg = listed_in(runtime.client, detail.id)
    listed = at_bsg & ours
    missing = ours - listed - listed_in_others(runtime.client, record)  # guard: other-campaign-is-not-missing
    # The lost ledger may have sent messages that this one lacks.
    counted = len(at_bsg) if unproven else len(listed)  # guard: lost-messages-counted
    is_whole = len(rows) == record.size and counted == total  # guard: total-equals-list
    if unproven and not is_whole:  # guard: unlisted-is-unproven
        raise ReadFailed(f"a list of {counted} of its {total or 'unknown'} messages", status=200)
    if not is_whole or not missing:
        return Total(total)
    subject = f"dropped of {record.id}"
    if not runtime.confirmations.confirm(
        subject,
        finding=counted,
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
