"""The sandbox's control address and its API: any order is followed or refused, and none breaks what comes after."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from bsg_sandbox.faults import KINDS
from bsg_sandbox.server import Sandbox
from tests.hostile.strategies import JSON_VALUES, as_json, nested
from tests.sandbox.sandbox_calls import call

CONTROLS = ("fault", "advance", "settings", "account", "status", "reset")
WORDS = (
    "kind",
    "first",
    "requests",
    "probability",
    "seed",
    "times",
    "path",
    "method",
    "self",
    "seconds",
    "status",
    "key",
)
OPTIONS = sorted({option for kind in KINDS.values() for option in kind.options} - {"seconds", "pause"})
ORDERS = st.fixed_dictionaries(
    {"kind": st.sampled_from(sorted(KINDS))}, optional=dict.fromkeys((*WORDS[1:-3], *OPTIONS), JSON_VALUES)
)
BODIES = ORDERS | st.dictionaries(st.sampled_from((*WORDS, *OPTIONS)), JSON_VALUES, max_size=3) | JSON_VALUES
QUIET = ("silence_before", "silence_after", "endless_response", "latency", "cut_before", "cut_after")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@given(control=st.sampled_from(CONTROLS), body=BODIES)
def test_any_order_is_followed_or_refused_and_the_next_request_gets_a_response(
    sandbox: Sandbox, control: str, body: Any
) -> None:
    ordered = call(sandbox, "POST", f"/_sandbox/{control}", data=as_json(body))

    assert ordered.status_code in (200, 400)
    if ordered.status_code == 200 and not any(fault["kind"] in QUIET for fault in sandbox.faults()):
        responded = call(sandbox, "POST", "/api/campaigns/sms/send-individual", data=b"{}")
        assert "sandbox itself failed" not in responded.text
    sandbox.reset()


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "throttle", "first": "x"},
        {"kind": "throttle", "times": [1]},
        {"kind": "throttle", "path": 5},
        {"kind": "throttle", "method": {}},
        {"kind": "throttle", "retry_after": "1\r\nSet-Cookie: a=b"},
        {"kind": "latency", "seconds": 1e300},
        {"kind": "zone", "offset_hours": 1e9},
        {"kind": "server_error_before", "status": 10**9},
        {"kind": "cut_before", "after_bytes": "x"},
    ],
    ids=str,
)
def test_an_order_that_would_break_later_requests_is_refused(sandbox: Sandbox, order: dict[str, Any]) -> None:
    assert call(sandbox, "POST", "/_sandbox/fault", json=order).status_code == 400
    assert call(sandbox, "GET", "/api/accounts/balance").status_code == 200


@pytest.mark.parametrize("seconds", ["1e308", "NaN", "Infinity", "1" + "0" * 400, "-1", "null", '"x"'])
def test_the_clock_cannot_be_broken(sandbox: Sandbox, seconds: str) -> None:
    assert call(sandbox, "POST", "/_sandbox/advance", data=f'{{"seconds":{seconds}}}').status_code == 400
    assert call(sandbox, "GET", "/api/campaigns").status_code == 200


@pytest.mark.parametrize("bomb", [nested(100_000), nested(990), b"[" * 100_000, b"\xff" * 1_000, b"9" * 10_000])
@pytest.mark.parametrize("path", ["/_sandbox/settings", "/api/campaigns/sms/send-individual"])
def test_a_bomb_of_json_gets_a_response(sandbox: Sandbox, path: str, bomb: bytes) -> None:
    for body in (bomb, b'{"messages":' + bomb + b"}"):
        assert call(sandbox, "POST", path, data=body).status_code in (200, 400, 422)


@given(request=st.binary(max_size=80) | st.sampled_from([b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5_000]))
def test_what_is_not_http_is_refused_or_hung_up_on(sandbox: Sandbox, request: bytes) -> None:
    with socket.create_connection(
        (sandbox.url.split("/")[2].split(":")[0], int(sandbox.url.rsplit(":", 1)[1])), 5
    ) as line:
        line.sendall(request + b"\r\n\r\n")
        line.shutdown(socket.SHUT_WR)
        response = b""
        while chunk := line.recv(65_536):
            response += chunk
    assert b"sandbox itself failed" not in response
    assert not response or response.startswith(b"HTTP/1.1 4")


def test_it_still_works_after_all_that(sandbox: Sandbox) -> None:
    response = requests.post(f"{sandbox.url}/api/auth/login", json={"api_key": "live_sandbox"}, timeout=5)

    assert "bearer" in json.loads(response.content)
