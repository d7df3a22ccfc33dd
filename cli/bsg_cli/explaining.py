"""A campaign in sentences: where each batch stands, what it waits for, and what happens next and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bsg_cli.gate_reasons import shut_for
from bsg_cli.printing import moment
from bsg_config.settings import Settings
from bsg_ledger import moments
from bsg_ledger.gate import GateState
from bsg_ledger.records import Batch, BatchRecord, CampaignStatus
from bsg_ledger.states import BatchState


@dataclass(frozen=True, slots=True)
class Standing:
    """What explanations are made of. `looks`: when BSG is asked about a batch next. All times are Redis's."""

    status: CampaignStatus
    records: Mapping[str, BatchRecord]
    looks: Mapping[str, datetime]
    gate: GateState | None  # None: no key names the account
    foreign: bool
    cooling_for: float  # seconds
    now: datetime
    settings: Settings


@dataclass(frozen=True, slots=True)
class Explanation:
    """What some batches (none: what is in no batch) have in common. `at`: when the first of them goes on, if known."""

    batches: tuple[str, ...]
    messages: int
    stands: str
    next: str
    at: datetime | None = None
    needs_person: bool = False


def explain(standing: Standing) -> list[Explanation]:
    """What wants a person first, then as the campaign goes on; batches of which the same is to be said together."""
    of_batches = _together(_explained(standing, batch) for batch in standing.status.batches)
    found = [*_not_in_batches(standing), *of_batches]
    return sorted(found, key=lambda one: not one.needs_person)


def _together(explanations: Iterable[Explanation]) -> list[Explanation]:
    together: dict[tuple[str, str], Explanation] = {}
    for one in explanations:
        before = together.get((one.stands, one.next))
        together[one.stands, one.next] = one if before is None else _joined(before, one)
    return list(together.values())


def _joined(first: Explanation, second: Explanation) -> Explanation:
    times = [at for at in (first.at, second.at) if at is not None]
    return replace(
        first,
        batches=first.batches + second.batches,
        messages=first.messages + second.messages,
        at=min(times, default=None),
    )


def _not_in_batches(standing: Standing) -> Iterable[Explanation]:
    status = standing.status
    if unprepared := status.counts["unprepared"]:
        stands, following, at = _held(standing) or (
            "accepted, and not checked yet",
            "A worker checks them and cuts them into batches.",
            None,
        )
        yield Explanation((), unprepared, stands, following, at)
    if rejected := status.counts["rejected"]:
        yield Explanation(
            (),
            rejected,
            "rejected, and will not be sent",
            f"`bsg-campaigns rejects {status.campaign_id}` names each with its reason.",
        )


def _explained(standing: Standing, batch: Batch) -> Explanation:
    stands, following, at = _STATES[batch.state](standing, batch)
    if batch.other_bsg_campaign_ids:
        others = ", ".join(map(str, batch.other_bsg_campaign_ids))
        stands = f"{stands}; BSG has or had it as {others} too, which it is told to stop"
    return Explanation((batch.id,), batch.size, stands, following, at, batch.needs_person)


_Told = tuple[str, str, datetime | None]


def _held(standing: Standing) -> _Told | None:
    """Why nothing of the campaign moves, whatever the state of its batches; None if nothing holds it."""
    status = standing.status
    if standing.foreign:
        return (
            f"for the account {status.account_name}, under a key or an address that is not set here",
            "Only workers with its BSG_API_KEY and BSG_BASE_URL go on with it.",
            None,
        )
    if status.paused:
        return "held by a pause", f"`bsg-campaigns resume {status.campaign_id}` lets them go on.", None
    if status.deadline <= standing.now:
        return "past their deadline", "The next sweep ends them as expired.", None
    return None


def _pending(standing: Standing, batch: Batch) -> _Told:
    held = _held(standing)
    if held is not None:
        return held
    gate = standing.gate
    if gate is not None and not gate.open:
        shut = shut_for(gate.reason, standing.settings.account_name)
        return f"held by the account's gate, which is shut because {shut.why}", shut.opens, None
    if standing.cooling_for > 0:
        until = standing.now + timedelta(seconds=standing.cooling_for)
        return "waiting, as BSG asked for a pause (cool-down)", "A worker sends them after it.", until
    again = _time(standing.records.get(batch.id), "not_before")
    if again is not None and again > standing.now:
        failed = f" after “{batch.error}”" if batch.error else ""
        return f"waiting for another try{failed}", "A worker takes them up again.", again
    limit = standing.settings.bsg_rate_limit
    return f"ready, and in line for the rate limit ({limit})", "The next free worker sends them.", None


def _claimed(standing: Standing, batch: Batch) -> _Told:
    until = _time(standing.records.get(batch.id), "lease_until")
    return (
        "in the hands of a worker, which waits for its turn under the rate limit",
        "It sends them now; if it dies, another worker takes them when its lease is over.",
        until,
    )


def _posting(standing: Standing, batch: Batch) -> _Told:
    until = _time(standing.records.get(batch.id), "lease_until")
    return (
        "on their way to BSG",
        "The worker records BSG's answer. If none is there by the end of its lease, BSG is asked whether it has them.",
        until,
    )


def _unconfirmed(standing: Standing, batch: Batch) -> _Told:
    why = f" ({batch.error})" if batch.error else ""
    if batch.needs_person:
        sent_at = _time(standing.records.get(batch.id), "intent_at")
        around = f" of about {moment(sent_at)}" if sent_at else ""
        return (
            f"in doubt{why}: whether BSG has them cannot be told from what BSG shows, so a person has to",
            f"Look in BSG's account for a campaign{around} with {batch.size} messages, or ask BSG. If it is there: "
            f"`bsg-campaigns resolve {batch.id} --sent ITS-ID`; if it surely is not: "
            f"`bsg-campaigns resolve {batch.id} --not-sent`, and it is sent again.",
            None,
        )
    return (
        f"in doubt{why}: nobody knows yet whether BSG has them",
        "BSG is looked through for them: what is found counts as sent, and nothing is sent again on a guess.",
        standing.looks.get(batch.id),
    )


def _submitted(standing: Standing, batch: Batch) -> _Told:
    if batch.needs_person:
        return (
            f"sent as BSG campaign {batch.bsg_campaign_id}, which BSG does not know any more",
            f"Ask BSG. `bsg-campaigns resolve {batch.id} --sent {batch.bsg_campaign_id}` keeps it as sent, "
            f"`bsg-campaigns resolve {batch.id} --not-sent` sends it again.",
            None,
        )
    said = f" (“{batch.bsg_status}”)" if batch.bsg_status else ""
    return f"at BSG{said}", "BSG is asked how far it is.", standing.looks.get(batch.id)


def _finished(standing: Standing, batch: Batch) -> _Told:
    look = standing.looks.get(batch.id)
    if look is None:
        return "sent", "Nothing is left to do.", None
    return "sent", "BSG is asked for late deliveries now and then.", look


def _refused(standing: Standing, batch: Batch) -> _Told:
    why = f": {batch.error}" if batch.error else ""
    return (
        f"refused by BSG{why}",
        "Nothing more happens by itself. When the cause is mended, "
        f"`bsg-campaigns retry {standing.status.campaign_id}` sends them again.",
        None,
    )


def _cancelled(standing: Standing, batch: Batch) -> _Told:
    return "cancelled before they were sent", "Nothing is left to do.", None


def _expired(standing: Standing, batch: Batch) -> _Told:
    return (
        "not sent by their deadline",
        f"Nothing more happens by itself. `bsg-campaigns retry {standing.status.campaign_id} --deadline TIME` "
        "sends them after all.",
        None,
    )


_STATES = {
    BatchState.PENDING: _pending,
    BatchState.CLAIMED: _claimed,
    BatchState.POSTING: _posting,
    BatchState.UNCONFIRMED: _unconfirmed,
    BatchState.SUBMITTED: _submitted,
    BatchState.FINISHED: _finished,
    BatchState.REFUSED: _refused,
    BatchState.CANCELLED: _cancelled,
    BatchState.EXPIRED: _expired,
}


def _time(record: BatchRecord | None, name: str) -> datetime | None:
    text = "" if record is None else record.raw.get(name, "")
    return moments.moment(int(text)) if text else None
