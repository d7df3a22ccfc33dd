"""Find BSG campaigns of a batch's earlier attempts. They may have the messages that a later one lacks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import CampaignDetail
from bsg_ledger.batches import STALE
from bsg_ledger.records import BatchRecord
from bsg_ledger.times import BEGINNING
from bsg_worker.pace import FIRST_POLL_SECONDS
from bsg_worker.read_failures import is_not_found
from bsg_worker.reconcile.lookup import Lookup, Reads
from bsg_worker.reconcile.read_back import Wanted, read_back
from bsg_worker.reconcile.read_once import ReadOnce
from bsg_worker.row_requests import RowRequests
from bsg_worker.runtime import Runtime


@dataclass(slots=True)
class Elsewhere:
    """Where the reference ids are that a batch's campaign lacks.

    `campaigns` belong to the same batch. `listed` has the batch's reference ids in each of them. `unclear` are
    reference ids that BSG has, but that may not belong to the batch.
    """

    campaigns: dict[int, CampaignDetail] = field(default_factory=dict)
    listed: dict[int, set[str]] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)

    @property
    def at_bsg(self) -> set[str]:
        return self.unclear.union(*self.listed.values())


def listed_in(reads: Reads, bsg_id: int) -> set[str]:
    """Return the reference ids that a BSG campaign lists. Raise `ReadFailed`."""
    rows = reads.messages(campaign_id=bsg_id)
    # BSG may ignore the filter, and list a reference id of another campaign.
    # guard: only-listed-counts
    return {row.reference_id for row in rows if row.campaign_id == bsg_id and row.reference_id}


def listed_in_others(reads: Reads, record: BatchRecord) -> set[str]:
    """Return the reference ids that the batch's other campaigns list. Raise `ReadFailed`."""
    listed: set[str] = set()
    for bsg_id in record.other_bsg_campaign_ids:
        try:
            listed |= listed_in(reads, bsg_id)
        except ReadFailed as failure:
            if not is_not_found(failure):
                raise
    return listed


def find_elsewhere(runtime: Runtime, record: BatchRecord, rows: Sequence[Any], missing: Collection[str]) -> Elsewhere:
    """Look the missing reference ids up, without naming a campaign. Raise `ReadFailed`."""
    ours = {row["reference_id"] for row in rows}
    found, foreign, left = Elsewhere(), set[int](), dict.fromkeys(missing)
    now, accepted = runtime.ledger.due_indexes.now(), record.accepted_at
    lookup = Lookup(
        client=runtime.client,
        time=runtime.bsg_time,
        owner=partial(runtime.ledger.reading.owner, runtime.account.id),
        orphans=partial(runtime.ledger.reading.orphans, runtime.account.id),
        now=now,
    )
    newest, wanted = runtime.client.newest_messages(), Wanted(list(missing), accepted)
    seen = read_back(newest, [wanted], lookup.made, RowRequests(runtime))
    reads = ReadOnce(runtime.client, accepted, now, seen.by_reference)
    lookup = replace(lookup, client=reads)
    since = _earliest(record, ours)
    while left:
        reference_id = next(iter(left))
        del left[reference_id]
        for hit in lookup.hits(reference_id):
            bsg_id = hit.campaign_id
            if bsg_id in foreign or bsg_id in found.campaigns:
                continue
            if bsg_id is None or bsg_id == record.bsg_campaign_id:
                found.unclear.add(reference_id)  # it is in the batch's own campaign: BSG listed it late
                continue
            owner = lookup.owner(bsg_id)
            if owner not in (None, record.id):  # guard: earlier-attempt-unowned
                foreign.add(bsg_id)
                continue
            detail = reads.campaign(bsg_id)
            older = False if owner == record.id else lookup.is_older(detail, hit, since)
            if older:  # guard: earlier-attempt-not-older
                foreign.add(bsg_id)
            elif older is None:
                found.unclear.add(reference_id)
            else:
                found.campaigns[bsg_id] = detail
                found.listed[bsg_id] = {reference_id} | (listed_in(reads, bsg_id) & ours)
                for known in found.listed[bsg_id]:
                    left.pop(known, None)
    return found


def _earliest(record: BatchRecord, ours: Collection[str]) -> datetime:
    """Return the time before which no BSG campaign can be the batch's. Generated ids belong to this campaign only."""
    if all(reference_id.startswith(record.id.campaign_id) for reference_id in ours):
        return BEGINNING
    # An operator's decision ends a doubt. After it, the next intent counts as the first one.
    return record.since if record.doubt or record.attempts < 2 else record.accepted_at


def record_earlier(runtime: Runtime, record: BatchRecord, listed_here: set[str], found: Elsewhere) -> bool:
    """Record the campaigns. The one with most of the batch's messages counts from now on.

    Return False if the batch has changed meanwhile, or one of them belongs to another batch.
    """
    counted = record.bsg_campaign_id or 0
    listed = {counted: listed_here, **found.listed}
    # If two have equally many, the earlier one counts, because BSG dropped messages of the later one.
    counts = max(sorted(listed), key=lambda bsg_id: len(listed[bsg_id]))
    state = runtime.ledger.batches.taken_earlier(
        record.id,
        account=runtime.account.id,
        counted=counted,
        counts=counts,
        bsg_status=found.campaigns[counts].status if counts in found.campaigns else record.bsg_status or "",
        next_poll_ms=int(min(FIRST_POLL_SECONDS, runtime.settings.bsg_poll_interval) * 1000),
        others={bsg_id: listed[bsg_id] <= listed[counts] for bsg_id in sorted(listed) if bsg_id != counts},
    )
    return state not in (STALE, "owned")
