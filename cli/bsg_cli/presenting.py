"""Print campaigns for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bsg_cli.printing import Colour, coloured, format_time, number, print_table
from bsg_ledger.delivery_reports import DeliveryReport
from bsg_ledger.records import Batch, CampaignStatus, Transition
from bsg_ledger.states import CampaignState
from bsg_ledger.waiting import Wait
from bsg_ledger.waiting_texts import describe

_COLOURS = {
    CampaignState.DONE: Colour.GREEN,
    CampaignState.CANCELLED: Colour.YELLOW,
    CampaignState.EXPIRED: Colour.RED,
    CampaignState.FAILED: Colour.RED,
    CampaignState.UNREADABLE: Colour.RED,
}


def print_counts(counts: Mapping[str, int]) -> None:
    """Print the number of messages in each state, without empty states."""
    print(f"  accepted     {number(counts['accepted'])}")
    for state, messages in counts.items():
        if state != "accepted" and messages:
            print(f"  {state:<12} {number(messages)}")


def print_batches(batches: Sequence[Batch]) -> None:
    """Print a line for each batch."""
    print_table(
        ("batch", "messages", "state", "BSG campaign", "at BSG", "attempts", "cost", "last error"),
        (
            (
                batch.id,
                number(batch.size),
                f"{batch.state} (resolve it)" if batch.needs_operator else str(batch.state),
                _ids(batch),
                batch.bsg_status or "",
                str(batch.attempts),
                batch.cost or "",
                batch.error or "",
            )
            for batch in batches
        ),
    )


def waits_for(wait: Wait | None) -> str:
    """Return what a campaign waits for, and until when; "" if for nothing."""
    if wait is None:
        return ""
    until = f", until {format_time(wait.until)}" if wait.until is not None else ""
    return f"{describe(wait, format_time).waits_for}{until}"


def transition_line(transition: Transition) -> str:
    """Return a transition on one line."""
    where = transition.batch or "campaign"
    way = f"{transition.from_state} → {transition.to_state}" if transition.from_state else transition.to_state
    why = f" ({transition.cause})" if transition.cause else ""
    detail = f" {transition.detail}" if transition.detail else ""
    sent = transition.messages
    messages = f"  messages {sent.first} to {sent.last} of stream {sent.stream}" if sent is not None else ""
    return f"{format_time(transition.when)}  {where}  {way}{why}{detail}{messages}"


def delivery_report_line(report: DeliveryReport) -> str:
    """Return a delivery report on one line."""
    message = report.reference_id
    if report.message_id is not None:
        other = "" if report.message_id == report.reference_id else f"  {report.message_id}"
        message = f"{report.reference_id}{other}  message {report.index}"
    price = f"  {report.price} {report.currency or ''}".rstrip() if report.price else ""
    return f"{format_time(report.received_at)}  {message}  {report.status}{price}"


def headline(status: CampaignStatus) -> str:
    """Return the campaign's id, name and state."""
    name = f" «{status.name}»" if status.name else ""
    paused = ", paused" if status.paused else ""
    return f"Campaign {status.campaign_id}{name}: {coloured(status.state, _COLOURS.get(status.state))}{paused}"


def _ids(batch: Batch) -> str:
    ids = [batch.bsg_campaign_id, *batch.other_bsg_campaign_ids]
    return ", ".join(str(bsg_id) for bsg_id in ids if bsg_id is not None)
