"""The senders that an account has registered. BSG: Senders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bsg_sandbox.accounts import Account
from bsg_sandbox.clock import format_bsg_time
from bsg_sandbox.responses import Refused, Response, invalid, json_response
from bsg_sandbox.state import SandboxState

TYPES = ("sms", "viber")
FIRST_ID = 7_000_001


def listed(state: SandboxState, account: Account, query: Mapping[str, str], body: bytes) -> Response:
    """Return the account's senders of SMS; there are no others. BSG: GET /api/senders."""
    wanted = query.get("type")
    if wanted not in TYPES:
        raise Refused(invalid({"type": [f"The type must be one of {', '.join(TYPES)}."]}))
    rows = [_presented(index, sender, state) for index, sender in enumerate(account.senders)] if wanted == "sms" else []
    return json_response(200, {"total": len(rows), "data": rows})


def _presented(index: int, sender: Mapping[str, Any], state: SandboxState) -> dict[str, Any]:
    return {
        "id": FIRST_ID + index,
        "sender": sender["sender"],
        "status": sender["status"],
        "country": sender["country"],
        "created_at": format_bsg_time(state.clock.started_at, state.settings.zone_offset_hours),
        "is_default": index == 0,
    }
