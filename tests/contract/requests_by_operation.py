"""A good request of each operation that the sandbox has, and where the sandbox means to differ from the document."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bsg_sandbox.server import Sandbox
from tests.sandbox.sandbox_calls import call

PHONE = 380_661_231_231
PHONES_AGREE = {"phone": PHONE}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Request:
    """A request that the document allows. `path` is with its id."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


Builder = Callable[[Sandbox], Request]


def _reference() -> str:
    return f"contract{next(_numbers)}"


def _messages() -> dict[str, Any]:
    """Return a body with every field that the document names."""
    message = {"phone": PHONE, "text": "Hello", "sender": "testsms", "reference_id": _reference(), "tariff_code": 9}
    return {
        "messages": [{**message, "transliterate": True}],
        "tariff_code": 9,
        "validity": 24,
        "callback_url": "http://127.0.0.1:9/",
    }


def _campaign_id(sandbox: Sandbox) -> int:
    made = call(sandbox, "POST", "/api/campaigns/sms/send-individual", json=_messages())
    identifier: int = made.json()["data"]["id"]
    sandbox.advance(60)
    return identifier


def _fresh_campaign_id(sandbox: Sandbox) -> int:
    """Return a campaign that can still be stopped."""
    sandbox.configure(moderation_seconds=3_600.0)
    identifier = _campaign_id(sandbox)
    sandbox.configure(moderation_seconds=0.0)
    return identifier


def _job(sandbox: Sandbox) -> str:
    _campaign_id(sandbox)
    order = {"type": "params", "time_in_from": "2020-01-01 00:00:00", "time_in_to": "2100-01-01 00:00:00"}
    key: str = call(sandbox, "POST", "/api/stat/jobs", json=order).json()["key"]
    sandbox.advance(60)
    return key


def _contact_id(sandbox: Sandbox) -> int:
    order = {"phones": [PHONE], "types": ["sms", "viber"]}
    contacts = call(sandbox, "POST", "/api/stoplist/attach", json=order).json()["data"]
    identifier: int = contacts[0]["id"]
    return identifier


def _after(prepared: Callable[[Sandbox], object], request: Callable[[], Request]) -> Builder:
    def built(sandbox: Sandbox) -> Request:
        prepared(sandbox)
        return request()

    return built


def _one_text() -> dict[str, Any]:
    return {
        "phones": [{"number": PHONE, "reference_id": _reference()}],
        "sender": "testsms",
        "text": "Hello",
        "tariff_code": 9,
        "validity": 24,
        "transliterate": True,
        "callback_url": "http://127.0.0.1:9/",
    }


_PRICE = {"sender": "testsms", "text": "Hello", "tariff_code": 9, "messages": [{"phone": PHONE}]}
_BY_TIME = {
    "type": "params",
    "time_in_from": "2026-01-01 00:00:00",
    "time_in_to": "2026-02-01 00:00:00",
    "phones": [PHONE],
}

OPERATIONS: Mapping[str, tuple[Builder, ...]] = {
    "GET /api/accounts/balance": (lambda sandbox: Request("/api/accounts/balance"),),
    "GET /api/accounts/tariff": (lambda sandbox: Request("/api/accounts/tariff"),),
    "POST /api/auth/login": (lambda sandbox: Request("/api/auth/login", body={"api_key": "live_sandbox"}),),
    "POST /api/auth/refresh": (lambda sandbox: Request("/api/auth/refresh"),),
    "POST /api/campaigns/price": (lambda sandbox: Request("/api/campaigns/price", body=_PRICE),),
    "GET /api/campaigns/{id}/detail": (lambda sandbox: Request(f"/api/campaigns/{_campaign_id(sandbox)}/detail"),),
    "GET /api/campaigns": (_after(_campaign_id, lambda: Request("/api/campaigns")),),
    "GET /api/campaigns/{id}": (lambda sandbox: Request(f"/api/campaigns/{_campaign_id(sandbox)}"),),
    "POST /api/campaigns/sms/send": (lambda sandbox: Request("/api/campaigns/sms/send", body=_one_text()),),
    "POST /api/campaigns/sms/send-individual": (
        lambda sandbox: Request("/api/campaigns/sms/send-individual", body=_messages()),
    ),
    "PATCH /api/campaigns/{id}/stop": (lambda sandbox: Request(f"/api/campaigns/{_fresh_campaign_id(sandbox)}/stop"),),
    "GET /api/messages": (_after(_campaign_id, lambda: Request("/api/messages")),),
    "GET /api/senders": (lambda sandbox: Request("/api/senders", {"type": "sms"}),),
    "GET /api/stat/jobs": (_after(_job, lambda: Request("/api/stat/jobs")),),
    "POST /api/stat/jobs": (
        lambda sandbox: Request("/api/stat/jobs", body={"type": "message", "message_id": [500_000_001]}),
        lambda sandbox: Request("/api/stat/jobs", body=_BY_TIME),
    ),
    "GET /api/stat/jobs/{id}": (lambda sandbox: Request(f"/api/stat/jobs/{_job(sandbox)}"),),
    "DELETE /api/stat/jobs/{id}": (lambda sandbox: Request(f"/api/stat/jobs/{_job(sandbox)}"),),
    "GET /api/stoplist": (_after(_contact_id, lambda: Request("/api/stoplist")),),
    "GET /api/stoplist/search": (
        _after(
            _contact_id,
            lambda: Request("/api/stoplist/search", {"search[field]": "phone", "search[value]": str(PHONE)}),
        ),
    ),
    "POST /api/stoplist/attach": (
        lambda sandbox: Request("/api/stoplist/attach", body={"phones": [PHONE], "types": ["sms"]}),
    ),
    "POST /api/stoplist/detach": (
        lambda sandbox: Request("/api/stoplist/detach", body={"ids": [_contact_id(sandbox)], "types": ["sms"]}),
    ),
}
