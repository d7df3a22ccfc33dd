"""Look up at BSG whether it has taken a batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from bsg_client.responses import CampaignDetail, CampaignResponse, MessageRow
from bsg_ledger.records import BatchRecord
from bsg_worker.bsg_time import CLOCK_TOLERANCE, SURELY_OLDER, BSGTime

SAMPLES = 5  # look-ups of reference ids: more than one, as BSG may drop or hide a single message
ZONE_MARGIN = timedelta(hours=26)  # the list's dates have no zone: wide enough for any


@dataclass(frozen=True, slots=True)
class Found:
    """BSG has the batch, as one campaign, or as several if it was sent twice."""

    campaigns: tuple[CampaignDetail, ...]


@dataclass(frozen=True, slots=True)
class UsedBefore:
    """The caller's ids at these positions of the batch belong to older campaigns, or to another batch's."""

    positions: frozenset[int]


@dataclass(frozen=True, slots=True)
class Undecided:
    """There is a trace that shows neither that BSG has the batch nor that it lacks it."""

    cause: str


@dataclass(frozen=True, slots=True)
class NoTrace:
    """BSG has neither the reference ids nor a campaign of that size. This needs confirmation by a later look."""


Finding = Found | UsedBefore | Undecided | NoTrace


class Reads(Protocol):
    """The methods of `BSGClient` that a look-up needs."""

    def campaign(self, bsg_id: int) -> CampaignDetail: ...

    def campaigns(self, since: datetime, until: datetime) -> Iterable[CampaignResponse]: ...

    def messages(self, campaign_id: int | None = None, reference_id: str | None = None) -> Iterable[MessageRow]: ...


@dataclass(frozen=True, slots=True)
class Lookup:
    """`owner` returns the batch that owns a BSG campaign; `orphans` returns the campaigns that no batch owns."""

    client: Reads
    time: BSGTime
    owner: Callable[[int], str | None]
    orphans: Callable[[Sequence[int]], Collection[int]]
    now: datetime

    def look(self, record: BatchRecord, rows: Sequence[Any]) -> Finding:
        """Look once. Raise `ReadFailed` when BSG does not respond: then nothing is known."""
        # guard: orphans-searched
        return self.by_reference_ids(record, rows) or self.among_orphans(record, rows)

    def by_reference_ids(self, record: BatchRecord, rows: Sequence[Any]) -> Finding | None:
        """Return the first half of a look, which takes one or two requests; None if BSG shows none of the ids."""
        ours, intent = _places(rows), record.since
        for reference_id in samples_of(rows, record.suspects or ()):
            finding = self._of_hits(self.hits(reference_id), record, ours, intent)
            if finding is not None:
                return finding
        return None

    def hits(self, reference_id: str) -> list[MessageRow]:
        """Return the messages that BSG lists with a reference id. Raise `ReadFailed`."""
        # BSG may ignore the filter, so count only rows with exactly that id.
        # guard: very-reference-id
        return [row for row in self.client.messages(reference_id=reference_id) if row.reference_id == reference_id]

    def _of_hits(
        self,
        hits: Sequence[MessageRow],
        record: BatchRecord,
        ours: dict[str, int],
        intent: datetime,
    ) -> Finding | None:
        foreign: set[int] = set()
        findings = _Findings()
        for hit in hits:
            if hit.campaign_id is None:
                findings.unfit("a message of ours at BSG, of no campaign")  # guard: hit-without-campaign
                continue
            owner = self.owner(hit.campaign_id)
            if owner is not None and owner != record.id:  # guard: hit-of-another-batch
                foreign.add(hit.campaign_id)
                continue
            detail = self.client.campaign(hit.campaign_id)
            # A campaign that belongs to this batch is never an older use of its ids.
            older = False if owner == record.id else self.is_older(detail, hit, intent)
            if older:  # guard: hit-older-than-intent
                foreign.add(hit.campaign_id)
            elif older is None:  # guard: hit-without-time
                findings.unfit("a message of ours at BSG, of a time that cannot be known")
            else:
                findings.ours(detail, record)
        if findings.any:
            return findings.outcome()
        return self._used_before(foreign, ours) if foreign else None

    def is_older(self, detail: CampaignDetail, hit: MessageRow, intent: datetime) -> bool | None:
        """Return whether a campaign was made before an intent; None if that is unknown."""
        printed = detail.created_at or hit.created_at
        if printed is None:
            return None
        moment, margin = self.made(printed)
        if moment < intent - margin:  # guard: clock-difference-allowed
            return True
        return None if moment < intent - CLOCK_TOLERANCE else False

    def made(self, printed: datetime) -> tuple[datetime, timedelta]:
        """Return the time, and by how much it may differ from this clock."""
        moment = self.time.resolve(printed)
        if moment is None:  # guard: unknown-zone
            # BSG's zone is unknown, so the margin covers every zone.
            return printed.replace(tzinfo=UTC), ZONE_MARGIN
        return moment, SURELY_OLDER

    def _used_before(self, foreign: Iterable[int], ours: dict[str, int]) -> Finding:
        positions: set[int] = set()
        for campaign in foreign:
            for row in self.client.messages(campaign_id=campaign):
                if row.campaign_id == campaign and row.reference_id in ours:  # guard: used-before-is-listed
                    positions.add(ours[row.reference_id])
        if not positions:  # guard: unlisted-id-undecided
            return Undecided("a reference id of ours in another campaign at BSG, which does not list it")
        return UsedBefore(frozenset(positions))

    def among_orphans(self, record: BatchRecord, rows: Sequence[Any]) -> Finding:
        """Return the second half of a look: whether an orphan of that size was made since the intent."""
        ours, intent = _places(rows), record.since
        findings = _Findings()
        responses = list(self.client.campaigns(intent - ZONE_MARGIN, self.now + ZONE_MARGIN))
        # Read the owners of all campaigns at once: a busy account has thousands, and few of them are orphans.
        orphans = self.orphans([response.id for response in responses])
        for response in responses:
            if response.id not in orphans:  # guard: orphan-has-no-owner
                continue
            if response.created_at is not None:
                moment, margin = self.made(response.created_at)
                if moment < intent - margin:  # guard: orphan-not-older
                    continue  # the list is shared with older doubts, so it reaches back further
            detail = self.client.campaign(response.id)
            # guard: orphan-of-same-size
            if detail.status != "creation" and detail.total_messages and detail.total_messages != record.size:
                continue
            rows = list(self.client.messages(campaign_id=response.id))
            listed = [row for row in rows if row.campaign_id == response.id and row.reference_id]
            if any(row.reference_id in ours for row in listed):  # guard: orphan-with-our-messages
                findings.ours(detail, record)
            elif not listed or len(listed) != detail.total_messages:  # guard: orphan-listed-in-chunk
                findings.unfit("an orphan BSG campaign of that size")
        return findings.outcome() if findings.any else NoTrace()


def _places(rows: Sequence[Any]) -> dict[str, int]:
    return {row["reference_id"]: position for position, row in enumerate(rows)}


class _Findings:
    """The traces of one look. One that is surely ours outweighs those that do not fit."""

    def __init__(self) -> None:
        self._found: dict[int, CampaignDetail] = {}
        self._unfit: list[str] = []

    def ours(self, detail: CampaignDetail, record: BatchRecord) -> None:
        total = detail.total_messages
        # guard: orphan-with-more-messages
        if detail.status != "creation" and total is not None and total > record.size:
            self.unfit(f"a BSG campaign with messages of ours, but of {total} instead of {record.size}")
        else:
            self._found[detail.id] = detail

    def unfit(self, cause: str) -> None:
        self._unfit.append(cause)

    @property
    def any(self) -> bool:
        return bool(self._found or self._unfit)

    def outcome(self) -> Found | Undecided:
        return Found(tuple(self._found.values())) if self._found else Undecided(self._unfit[0])  # guard: ours-outweighs


def samples_of(rows: Sequence[Any], suspects: Sequence[int]) -> list[str]:
    """Return reference ids from the whole batch, and some of those that BSG rejected."""
    spread = range(len(rows)) if len(rows) <= SAMPLES else _evenly(len(rows))  # guard: several-ids-looked-up
    named = [position for position in suspects if position < len(rows)][:SAMPLES]  # guard: complained-ids-looked-up
    return [rows[position]["reference_id"] for position in dict.fromkeys((*spread, *named))]


def _evenly(size: int) -> list[int]:
    step = (size - 1) / (SAMPLES - 1)
    return [round(number * step) for number in range(SAMPLES)]
