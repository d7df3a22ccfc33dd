"""Redirect the first messages of a campaign to a phone for a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from bsg_messages import rules
from bsg_messages.errors import CampaignInvalid
from bsg_messages.rejects import Violation


def redirect_first(messages: Iterator[Mapping[str, Any]], to: str | int, rows: int) -> list[Mapping[str, Any]]:
    """Return the first messages with the phone `to`, and without reference ids: the campaign itself needs those.

    Raise CampaignInvalid for an invalid phone, and if there are no rows.
    """
    try:
        phone = rules.phone(to)
    except Violation as violation:
        raise CampaignInvalid({"to": [f"It is {violation.message}."]}) from None
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
        raise CampaignInvalid({"rows": ["Not a number of messages: give a whole number from 1 on."]})
    return [_redirected(message, phone) for message in islice(messages, rows)]


def _redirected(message: Mapping[str, Any], phone: str) -> Mapping[str, Any]:
    if not isinstance(message, Mapping):
        return message  # it becomes a reject, as it would in the campaign
    return {**{name: value for name, value in message.items() if name != "reference_id"}, "phone": phone}
