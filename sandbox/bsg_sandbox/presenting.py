"""Campaigns and messages as BSG's responses show them. `zone` is in hours east of UTC, `now` in seconds since 1970."""

from __future__ import annotations

import random
from typing import Any

from bsg_sandbox.accounts import Account, Mode
from bsg_sandbox.campaigns import COUNTED, Campaign
from bsg_sandbox.clock import format_bsg_time
from bsg_sandbox.countries import country_of
from bsg_sandbox.texts import segments_of

_OTHER_CHANNELS = ("not_viber_user", "not_rcs_user")
_STATUSES = ("creation", "moderation", "spam", "scheduled", "sending", "paused", "stopped", "done")


def campaign_resource(
    campaign: Campaign, account: Account, now: float, zone: float, *, is_new: bool = False
) -> dict[str, Any]:
    """Return a campaign as BSG: GET /api/campaigns/{id} shows it.

    The price is 0 unless the campaign `is_new`, as in the examples of BSG's document.
    """
    status, counts = _state(campaign, account, now)
    return {
        "id": campaign.id,
        "name": campaign.name,
        "sender": campaign.sender,
        "status": status,
        "message_type": "sms",
        "start_at": _format_time(campaign.start_at or campaign.timeline.created_at, zone),
        "real_start_at": _format_time(campaign.started_at(now), zone),
        "finished_at": _format_time(campaign.finished_at(now), zone),
        "created_at": _format_time(campaign.timeline.created_at, zone),
        "statistics": {"delivered": counts["delivered"], "sent": counts["sent"]},
        "calculated_price": campaign.price if is_new else 0,
        "currency": campaign.currency if is_new else None,
        "alternative_channels": None,
    }


def detail_resource(
    campaign: Campaign, account: Account, now: float, zone: float, slow_seconds: float
) -> dict[str, Any]:
    """Return a campaign as BSG: GET /api/campaigns/{id}/detail shows it.

    With `slow_seconds`, the totals grow evenly over that time after the campaign's creation.
    """
    status, counts = _state(campaign, account, now)
    total = campaign.size
    if slow_seconds > 0:
        total = int(total * min(1.0, (now - campaign.timeline.created_at) / slow_seconds))
    return {
        "id": campaign.id,
        "name": campaign.name,
        "sender": campaign.sender,
        "status": status,
        "type": "sms",
        "started_at": _format_time(campaign.start_at or campaign.timeline.created_at, zone),
        "actual_start_at": _format_time(campaign.started_at(now), zone),
        "finished_at": _format_time(campaign.finished_at(now), zone),
        "created_at": _format_time(campaign.timeline.created_at, zone),
        "total_messages": total,
        "total_phones": min(total, len(set(campaign.phones)) + campaign.counted_only),
        "total_price": money(campaign.price),
        "currency": campaign.currency,
        "statistics": {**counts, **dict.fromkeys(_OTHER_CHANNELS, 0)},
        "alternative_channels": [],
    }


def message_resource(
    campaign: Campaign, row: int, text: str, account: Account, now: float, zone: float
) -> dict[str, Any]:
    """Return the message of a row as BSG: GET /api/messages shows it."""
    status = campaign.message_status(row, now)
    if account.mode is Mode.TEST:
        status = _draw(campaign, f"message {row}").choice(COUNTED)
    segments = segments_of(text)
    return {
        "id": campaign.first_message_id + row,
        "campaign_id": campaign.id,
        "reference_id": campaign.references[row],
        "type": "sms",
        "source": "rest",
        "text": text,
        "phone": campaign.phones[row],
        "validity": campaign.validity,
        "status": status,
        "amount": {"value": money(campaign.price / campaign.size), "currency": campaign.currency},
        "sender": campaign.sender_of(row),
        "created_at": _format_time(campaign.timeline.created_at, zone),
        "sent_at": _format_time(campaign.message_time(row, now), zone),
        "delivered_at": _format_time(
            campaign.message_time(row, now, campaign.delivery_seconds) if status == "delivered" else None,
            zone,
        ),
        "parts": segments,
        "country": country_of(campaign.phones[row]).code,
    }


def money(amount: float) -> str:
    """Return an amount as text with seven decimals."""
    return f"{amount:.7f}"


def _state(campaign: Campaign, account: Account, now: float) -> tuple[str, dict[str, int]]:
    if account.mode is not Mode.TEST or campaign.forced_status is not None:
        return campaign.status(now), campaign.statistics(now)
    # A key in TEST mode gets random information: of the right type, the same each time, and without meaning.
    drawn = _draw(campaign, "campaign")
    counts = {name: drawn.randint(0, campaign.size) for name in COUNTED}
    return drawn.choice(_STATUSES), counts


def _draw(campaign: Campaign, what: str) -> random.Random:
    return random.Random(f"{campaign.seed}:{campaign.id}:{what}")  # noqa: S311 - repeatable, not secret


def _format_time(at: float | None, zone: float) -> str | None:
    return None if at is None else format_bsg_time(at, zone)
