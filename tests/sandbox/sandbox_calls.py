"""Requests to a sandbox as a client of BSG makes them, and messages that keep every rule."""

from __future__ import annotations

from typing import Any

import requests

from bsg_sandbox.server import Sandbox

INDIVIDUAL = "/api/campaigns/sms/send-individual"
FIRST_PHONE = 380_670_000_000
TIMEOUT = 10.0


def message(number: int = 0, **fields: Any) -> dict[str, Any]:
    built = {"phone": FIRST_PHONE + number, "sender": "SHOP", "text": f"Hello {number}"} | fields
    return {name: value for name, value in built.items() if value is not ...}


def messages(size: int, prefix: str = "ref", start: int = 0) -> list[dict[str, Any]]:
    return [message(number, reference_id=f"{prefix}{number}") for number in range(start, start + size)]


def call(
    sandbox: Sandbox,
    method: str,
    path: str,
    *,
    key: str = "live_sandbox",
    timeout: float = TIMEOUT,
    **options: Any,
) -> requests.Response:
    return requests.request(
        method,
        sandbox.url + path,
        headers={"X-API-KEY": key},
        timeout=timeout,
        allow_redirects=False,
        **options,
    )


def post(
    sandbox: Sandbox, rows: Any, *, key: str = "live_sandbox", timeout: float = TIMEOUT, **campaign_options: Any
) -> requests.Response:
    body = {"messages": rows, **campaign_options}
    return call(sandbox, "POST", INDIVIDUAL, key=key, timeout=timeout, json=body)


def taken(sandbox: Sandbox, rows: Any, **campaign_options: Any) -> dict[str, Any]:
    response = post(sandbox, rows, **campaign_options)
    assert response.status_code == 200, response.text
    campaign: dict[str, Any] = response.json()["data"]
    return campaign


def refused_fields(response: requests.Response) -> set[str]:
    assert response.status_code == 422, response.text
    document = response.json()
    assert document["message"] == "The given data was invalid."
    return set(document["errors"])


def login(sandbox: Sandbox, key: str = "live_sandbox") -> str:
    response = requests.post(f"{sandbox.url}/api/auth/login", json={"api_key": key}, timeout=TIMEOUT)
    bearer: str = response.json()["bearer"]
    return bearer


def balance_status(sandbox: Sandbox, bearer: str) -> int:
    return requests.get(
        f"{sandbox.url}/api/accounts/balance", headers={"Authorization": f"Bearer {bearer}"}, timeout=TIMEOUT
    ).status_code
