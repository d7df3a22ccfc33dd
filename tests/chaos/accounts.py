"""What the ledger says of each message of a campaign: where it stands and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bsg_ledger.ledger import Ledger
from bsg_ledger.records import Batch, CampaignStatus
from bsg_ledger.states import BatchState
from bsg_producer import Producer


@dataclass(frozen=True, slots=True)
class Record:
    """A message's state in the ledger. `batch`: its batch's id, "" where it never got into one."""

    state: str
    batch: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A campaign as the ledger has it. `twice`: indexes that occur more than once."""

    campaign_id: str
    name: str
    counts: Mapping[str, int]
    records: Mapping[int, Record]
    twice: frozenset[int] = frozenset()
    status: CampaignStatus | None = field(default=None, repr=False)

    @property
    def unaccounted(self) -> dict[str, int]:
        """Messages by state that the counts have and no message stands in, or the other way round (negative)."""
        counted = Counter({state: number for state, number in self.counts.items() if state != "accepted"})
        counted.subtract(record.state for record in self.records.values())
        return {state: number for state, number in counted.items() if number}


def account_of(producer: Producer, ledger: Ledger, campaign_id: str, *, of_stream: bool = False) -> Account:
    """Read it whole: every batch's rows, and every reject. `of_stream`: it has no chunks, so each message has a row."""
    status = producer.status(campaign_id)
    records: dict[int, Record] = {}
    twice: set[int] = set()

    def stand(index: int, record: Record) -> None:
        if index in records:
            twice.add(index)
        records[index] = record

    for reject in producer.rejects(campaign_id):
        stand(reject.index, Record("rejected", "", reject.code))
    for batch in status.batches:
        reason = _reason(status, batch)
        for index in ledger.reading.rows(batch.id):
            stand(index, Record(batch.state, batch.id, reason))
    for index, state in zip(
        (index for index in range(status.counts["accepted"]) if index not in records),
        [] if of_stream else _of_unprepared_chunks(status, records),
        strict=False,
    ):
        records[index] = Record(state, "", "its chunk ended before it was prepared")
    return Account(campaign_id, status.name, status.counts, records, frozenset(twice), status)


def _reason(status: CampaignStatus, batch: Batch) -> str:
    last = next((each for each in reversed(status.transitions) if each.batch == batch.id), None)
    return batch.error or ("" if last is None else last.cause)


def _of_unprepared_chunks(status: CampaignStatus, records: Mapping[int, Record]) -> list[str]:
    """Chunks that were cancelled or expired have no batches: their messages are in the counts alone."""
    left = Counter(status.counts)
    left.subtract(record.state for record in records.values())
    return [state for state in (BatchState.CANCELLED, BatchState.EXPIRED) for _ in range(left[state])]
