"""Make the ledger's values of the fields that its records have in Redis."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from bsg_ledger.batch_id import BatchId
from bsg_ledger.records import Batch, BatchRecord, CampaignSummary, Transition
from bsg_ledger.scripts import text_of
from bsg_ledger.states import MESSAGE_STATES, BatchState, CampaignState, NeedsOperator, campaign_state
from bsg_ledger.times import to_datetime
from bsg_messages.reference_ids import stream_message_id, suffix_of

_TIMES = (
    "not_before", "lease_until", "intent_at", "first_intent_at", "submitted_at", "bsg_status_at", "finished_at",
)  # fmt: skip


def summary_of(campaign_id: str, record: Mapping[str, str]) -> CampaignSummary:
    counts = {state: int(record.get(f"messages:{state}", 0)) for state in MESSAGE_STATES}
    accepted = int(record["messages"])
    state = campaign_state(
        counts,
        cancelled=record.get("cancelled") == "1",
        started=record.get("started") == "1" or counts["unprepared"] < accepted,
        collecting="collects_until" in record,
    )
    if "unreadable_record" in record:
        state = CampaignState.UNREADABLE
    return CampaignSummary(
        campaign_id=campaign_id,
        name=record.get("name", ""),
        account_name=record["account_name"],
        state=state,
        paused=record.get("paused") == "1",
        messages=accepted,
        accepted_at=to_datetime(int(record["accepted_at"])),
        counts={"accepted": accepted, **counts},
    )


def message_id_of(accepted: bytes) -> str:
    """Return the id of the message that a stream keeps under an idempotency key or a reference id."""
    campaign_id, index, _, attempt = text_of(accepted).split(" ")
    return stream_message_id(campaign_id, int(index), suffix_of(attempt))


def batch_of(batch: BatchId, record: Mapping[str, str]) -> Batch:
    """Return the batch of a record in Redis, or of some of its fields. Missing fields are None."""
    return Batch(**_fields(batch, record))


def _fields(batch: BatchId, record: Mapping[str, str]) -> dict[str, Any]:
    price, question = record.get("price"), record.get("needs_operator")
    times = {name: _time(record.get(name)) for name in _TIMES}
    return {
        "id": batch,
        "state": BatchState(record["state"]),
        "size": int(record["size"]),
        "bsg_campaign_id": _integer(record.get("bsg_campaign_id")),
        "bsg_status": record.get("bsg_status") or None,
        "attempts": int(record.get("attempts", 0)),
        "error": record.get("error") or None,
        "statistics": json.loads(record.get("statistics") or "{}"),
        "cost": f"{price} {record.get('currency', '')}".strip() if price else None,
        "needs_operator": NeedsOperator(question) if question else None,
        "operator_reason": record.get("operator_reason") or None,
        "other_bsg_campaign_ids": [
            int(other) for other in record.get("other_bsg_campaign_ids", "").split(",") if other
        ],
        "total_messages": _integer(record.get("bsg_total_messages")),
        **times,
    }


def batch_record_of(batch: BatchId, record: Mapping[str, str], head: Sequence[bytes | None]) -> BatchRecord:
    options, cancelled, account, account_name, accepted_at, deadline = (text_of(value or b"") for value in head)
    suspects = record.get("suspects")
    return BatchRecord(
        **_fields(batch, record),
        doubt=record.get("doubt") == "1",
        suspects=None if suspects is None else [int(row) for row in suspects.split(",") if row.isdecimal()],
        collected="collects_from" in record,
        no_trace=record.get("no_trace") == "1",
        options=options,
        cancelled=cancelled == "1",
        account=account or None,
        account_name=account_name,
        accepted_at=to_datetime(int(accepted_at or 0)),
        deadline=to_datetime(int(deadline or 0)),
    )


def transition_of(campaign_id: str, position: str, fields: Mapping[str, str]) -> Transition:
    """Return the transition of an entry in a stream."""
    batch = fields.get("batch", "")
    return Transition(
        campaign_id=campaign_id,
        when=to_datetime(int(fields["at"])),
        batch=BatchId.of(campaign_id, int(batch)) if batch.isdecimal() else batch,
        from_state=fields.get("from", ""),
        to_state=fields.get("to", ""),
        cause=fields.get("cause", ""),
        detail=fields.get("detail", ""),
        position=position,
    )


def start_at_of(record: Mapping[str, str]) -> datetime | None:
    """Return when BSG has to begin with the campaign; None: at once."""
    with suppress(TypeError, ValueError):
        return datetime.fromisoformat(options_of(record)["start_at"])
    return None


def options_of(record: Mapping[str, str]) -> dict[str, Any]:
    """Return the campaign's options; empty if they cannot be parsed."""
    with suppress(ValueError):
        found = json.loads(record.get("options", ""))
        if isinstance(found, dict):
            return {"start_at": None, "send_between": None, **found}
    return {"start_at": None, "send_between": None}


def _integer(value: str | None) -> int | None:
    return int(value) if value else None


def _time(value: str | None) -> datetime | None:
    return to_datetime(int(value)) if value and int(value) else None
