"""BSG in memory: what it took, what it shows of that, and its responses. The worker's own look-up reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, cast

from bsg_client.bsg_client import BSGClient
from bsg_client.responses import CampaignDetail, CampaignResponse, MessageRow
from bsg_ledger.batch_id import BatchId
from bsg_ledger.records import BatchRecord
from bsg_ledger.states import BatchState
from bsg_worker.bsg_time import BSGTime
from bsg_worker.reconcile.lookup import Finding, Lookup
from tests.exhaustive.snapshots import CAMPAIGN

INTENT = datetime(2026, 1, 10, tzinfo=UTC)
SOMEBODY_ELSE = -1
DENIED = "denied"  # the status of what BSG has lost: it responds with 404 for ever, and never sends it
CAN_BE_STOPPED = frozenset({"sending"})  # in "creation" a stop is refused, as BSG's document says
FINAL = frozenset({"done", "stopped"})

Rows = tuple[int, ...]


class Taken(NamedTuple):
    """A campaign at BSG. `batch` is -1 for one that somebody else sent with a reference id of ours."""

    id: int
    batch: int
    messages: Rows
    status: str = "creation"
    shown: bool = False  # in lists and look-ups
    older: bool = False  # than the first intent in doubt of its batch
    forgotten: bool = False  # its reference ids are accepted again

    @property
    def live(self) -> bool:
        return self.batch != SOMEBODY_ELSE and self.status not in {"stopped", DENIED}


Provider = tuple[Taken, ...]


def reference_id(message: int) -> str:
    return f"m{message}"


def refused_ids(provider: Provider, messages: Rows) -> Rows:
    """Return the positions in a request whose reference ids BSG still knows."""
    known = {message for taken in provider if not taken.forgotten for message in taken.messages}
    return tuple(position for position, message in enumerate(messages) if message in known)


def with_changed(provider: Provider, bsg_id: int, **changes: Any) -> Provider:
    return tuple(taken._replace(**changes) if taken.id == bsg_id else taken for taken in provider)


def with_denied(provider: Provider, bsg_id: int) -> Provider:
    return with_changed(provider, bsg_id, status=DENIED, shown=False, forgotten=True)


def with_taken(provider: Provider, batch: int, messages: Rows) -> tuple[Provider, int]:
    bsg_id = max((taken.id for taken in provider), default=0) + 1
    return (*provider, Taken(bsg_id, batch, messages)), bsg_id


@dataclass(frozen=True)
class _Client:
    """The requests that a look-up makes. What BSG shows decides the responses."""

    provider: Provider

    def campaign(self, bsg_campaign_id: int) -> CampaignDetail:
        (taken,) = (taken for taken in self.provider if taken.id == bsg_campaign_id)
        total = None if taken.status == "creation" else len(taken.messages)
        return CampaignDetail(
            taken.id, taken.status, None, _created(taken), {}, None, None, total_messages=total,
            started_at=None, finished_at=None,
        )  # fmt: skip

    def campaigns(self, since: datetime, until: datetime) -> Iterator[CampaignResponse]:
        return (self.campaign(taken.id) for taken in self.provider if taken.shown)

    def messages(self, campaign_id: int | None = None, reference_id: str | None = None) -> Iterator[MessageRow]:
        for taken in self.provider:
            for message in taken.messages if taken.shown else ():
                row = _row(taken, message)
                if campaign_id in (None, taken.id) and reference_id in (None, row.reference_id):
                    yield row


class _Clock:
    def resolve(self, printed: datetime) -> datetime:
        return printed


def _created(taken: Taken) -> datetime:
    return INTENT + timedelta(minutes=1) if not taken.older else INTENT - timedelta(days=1)


def _row(taken: Taken, message: int) -> MessageRow:
    return MessageRow(message, taken.id, reference_id(message), "sent", _created(taken), None, None, None, None)


@cache
def looked(
    provider: Provider, owners: tuple[tuple[str, str], ...], batch: int, size: int, suspects: Rows, messages: Rows
) -> Finding:
    """Return what the worker's own look-up finds of a batch in doubt."""
    owner: Mapping[str, str] = dict(owners)
    record = BatchRecord(
        id=BatchId.of(CAMPAIGN, batch), state=BatchState.UNCONFIRMED, size=size, first_intent_at=INTENT, doubt=True,
        suspects=suspects,
    )  # fmt: skip
    look = Lookup(
        client=cast(BSGClient, _Client(provider)),
        time=cast(BSGTime, _Clock()),
        owner=lambda bsg_id: owner.get(str(bsg_id)),
        orphans=lambda bsg_ids: [bsg_id for bsg_id in bsg_ids if str(bsg_id) not in owner],
        now=INTENT + timedelta(hours=1),
    )
    rows = [{"reference_id": reference_id(message)} for message in messages]
    return look.look(record, rows)
