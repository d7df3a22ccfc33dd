"""Compare the ledger with BSG's own list, and name what either side lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import CampaignResponse
from bsg_ledger.batch_id import BatchId
from bsg_messages.reference_ids import campaign_and_index
from bsg_worker.reconcile.spans import listed_between
from bsg_worker.runtime import Runtime

NOT_FOUND = 404
ROWS_READ = 500  # one page shows the origin of a campaign
RECORDS_AT_ONCE = 500
UNDECIDED_STATES = frozenset({"pending", "posting", "unconfirmed"})


@dataclass(frozen=True, slots=True)
class Origin:
    """A campaign that a BSG campaign's reference ids name, and those of its batches that the ledger has."""

    campaign_id: str
    known: bool
    batches: tuple[BatchId, ...]


@dataclass(frozen=True, slots=True)
class Orphan:
    """A campaign at BSG that belongs to no batch of the ledger. `created_at` as BSG prints it, without a zone.

    `origins`: the campaigns in its generated reference ids. `other_ids` counts other ids among the rows that were read:
    a caller's own, or another system's.
    """

    bsg_campaign_id: int
    status: str
    created_at: datetime | None
    messages: int | None
    origins: tuple[Origin, ...]
    other_ids: int


@dataclass(frozen=True, slots=True)
class NotAtBSG:
    """A batch that is taken by the ledger, but that BSG does not show."""

    batch: BatchId
    state: str
    messages: int
    bsg_campaign_id: int
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A batch of which the ledger does not know whether BSG has it."""

    batch: BatchId
    state: str
    messages: int
    needs_operator: bool


@dataclass(frozen=True, slots=True)
class Audit:
    """The comparison for a period. `at_bsg` counts BSG's campaigns in it."""

    since: datetime
    until: datetime
    at_bsg: int
    orphans: tuple[Orphan, ...]
    not_at_bsg: tuple[NotAtBSG, ...]
    waiting: tuple[Waiting, ...]

    @property
    def lacking(self) -> bool:
        return bool(self.orphans or self.not_at_bsg)


def audit(runtime: Runtime, since: datetime, until: datetime) -> Audit:
    """Compare the account's batches with BSG's list. Change nothing. Raise `ReadFailed` when BSG does not respond."""
    listed = list(listed_between(runtime.client, since, until))
    # The owner is recorded shortly after the response to a POST, so check later which campaigns still have none.
    in_period = [response for response in listed if _made_in(runtime, response, since, until)]
    orphan_ids = _orphans_among(runtime, in_period)
    orphans = [(response, *_whose(runtime, response.id)) for response in in_period if response.id in orphan_ids]
    still_orphans = _orphans_among(runtime, [response for response, *_ in orphans])
    return Audit(
        since=since,
        until=until,
        at_bsg=len(in_period),
        orphans=tuple(
            Orphan(response.id, response.status, response.created_at, messages, origins, other_ids)
            for response, messages, origins, other_ids in orphans
            if response.id in still_orphans
        ),
        not_at_bsg=tuple(_not_at_bsg(runtime, {response.id for response in listed}, since, until)),
        waiting=tuple(_waiting(runtime)),
    )


def _orphans_among(runtime: Runtime, responses: Sequence[CampaignResponse]) -> frozenset[int]:
    return runtime.ledger.reading.orphans(runtime.account.id, [response.id for response in responses])


def _made_in(runtime: Runtime, response: CampaignResponse, since: datetime, until: datetime) -> bool:
    if response.created_at is None:
        return True
    made = runtime.bsg_time.resolve(response.created_at) or response.created_at.replace(
        tzinfo=runtime.account.bsg_timezone
    )
    return since <= made <= until


def _whose(runtime: Runtime, bsg_id: int) -> tuple[int | None, tuple[Origin, ...], int]:
    """Return the campaign's size, the origins in its reference ids, and the number of other ids."""
    total = runtime.client.campaign(bsg_id).total_messages
    rows = list(islice(runtime.client.messages(campaign_id=bsg_id), ROWS_READ))
    ids = [row.reference_id for row in rows if row.campaign_id == bsg_id and row.reference_id]
    named: dict[str, set[int]] = {}
    for reference_id in ids:
        made = campaign_and_index(reference_id)
        if made is not None:
            named.setdefault(made[0], set()).add(made[1])
    known = {campaign_id: runtime.ledger.reading.summary(campaign_id) is not None for campaign_id in named}
    origins = tuple(
        Origin(campaign_id, known[campaign_id], _batches_with(runtime, campaign_id, indexes))
        for campaign_id, indexes in named.items()
    )
    return total, origins, len(ids) - sum(map(len, named.values()))


def _batches_with(runtime: Runtime, campaign_id: str, indexes: set[int]) -> tuple[BatchId, ...]:
    reading = runtime.ledger.reading
    return tuple(
        batch
        for batch in (BatchId.of(campaign_id, number) for number in range(reading.batch_count(campaign_id)))
        if not indexes.isdisjoint(reading.rows(batch))
    )


def _not_at_bsg(runtime: Runtime, listed: set[int], since: datetime, until: datetime) -> Iterator[NotAtBSG]:
    owned = runtime.ledger.reading.owned(runtime.account.id)
    unlisted = ((batch, bsg_id) for bsg_id, batch in owned if bsg_id not in listed)
    while ids := dict(islice(unlisted, RECORDS_AT_ONCE)):
        for record in runtime.ledger.reading.batch_records(ids):
            submitted_at = record.submitted_at or record.accepted_at
            # The list may omit a campaign, for example by another time zone. Only its details show that it is gone.
            if since <= submitted_at <= until and _gone(runtime, ids[record.id]):
                yield NotAtBSG(record.id, record.state, record.size, ids[record.id], submitted_at)


def _gone(runtime: Runtime, bsg_id: int) -> bool:
    try:
        runtime.client.campaign(bsg_id)
    except ReadFailed as failure:
        if failure.status == NOT_FOUND:
            return True
        raise
    return False


def _waiting(runtime: Runtime) -> Iterator[Waiting]:
    for campaign in runtime.ledger.reading.open_campaigns():
        if runtime.account.owns(campaign.account, campaign.account_name):
            for record in runtime.ledger.reading.batch_records(campaign.batch_ids):
                if record.state in UNDECIDED_STATES:
                    yield Waiting(
                        record.id,
                        record.state,
                        record.size,
                        record.needs_operator is not None,
                    )
