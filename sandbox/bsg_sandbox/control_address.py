"""The control address `/_sandbox/…`: add faults, move the clock, read what arrived.

docs/sandbox.md lists its requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from bsg_sandbox.faults import FaultInvalid
from bsg_sandbox.responses import Head, Response, json_response, message_response, parsed_object
from bsg_sandbox.settings import SandboxSettingsInvalid
from bsg_sandbox.state import SandboxState

PREFIX = "/_sandbox/"
Handler = Callable[[SandboxState, Mapping[str, str], dict[str, Any]], object]


def respond_to_control(state: SandboxState, head: Head, body: bytes) -> Response:
    """Return the response to a request to the control address. A wrong request gets 400 with the reason."""
    handler = _HANDLERS.get((head.method, head.path.removeprefix(PREFIX)))
    if handler is None:
        known = ", ".join(f"{method} {PREFIX}{name}" for method, name in _HANDLERS)
        return message_response(404, f"There is no such control; there are {known}.")
    try:
        return json_response(200, handler(state, head.query, parsed_object(body)))
    except SandboxSettingsInvalid as fault:
        return json_response(400, {"message": "Wrong settings.", "errors": fault.errors})
    except (FaultInvalid, ValueError, TypeError, KeyError, OverflowError) as fault:
        return message_response(400, f"Wrong order: {fault}")


def _order_fault(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    return {"id": state.faults.order(**body)}


def _faults(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    return {"faults": state.faults.on_order()}


def _clear_faults(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    state.faults.clear()
    return {"faults": []}


def _record(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    return state.summary().to_json() if query.get("summary") == "1" else state.record().to_json()


def _arrivals(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    return {"arrivals": [arrival.to_json() for arrival in state.arrivals(int(query.get("after", "0")))]}


def _advance(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    return {"now": state.clock.advance(float(body["seconds"]))}


def _requests(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    return {"requests": [seen.to_json() for seen in state.requests()]}


def _reset(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    state.reset(clock=bool(body.get("clock")))
    return {}


def _settings(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    return asdict(state.change(body))


def _account(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    state.put_account(body)
    return {}


def _campaign_status(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    if not isinstance(body["status"], str | None):
        raise ValueError("a status is a text or null")
    state.force_status(body["campaign_id"], body["status"])
    return {}


def _callbacks(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    return state.callbacks.counts()


def _resume(state: SandboxState, query: Mapping[str, str], body: dict[str, Any]) -> object:
    state.resume(body["campaign_id"])
    return {}


_HANDLERS: dict[tuple[str, str], Handler] = {
    ("POST", "fault"): _order_fault,
    ("GET", "faults"): _faults,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "record"): _record,
    ("GET", "arrivals"): _arrivals,
    ("POST", "advance"): _advance,
    ("GET", "requests"): _requests,
    ("POST", "reset"): _reset,
    ("GET", "settings"): _settings,
    ("POST", "settings"): _settings,
    ("POST", "account"): _account,
    ("POST", "status"): _campaign_status,
    ("POST", "resume"): _resume,
    ("GET", "callbacks"): _callbacks,
}
