"""Control a sandbox from another process, over its control address."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

from bsg_sandbox.record import Arrival, Record, Summary, every_arrival
from bsg_sandbox.state import RequestSeen

SECONDS_TO_WAIT = 60.0


class ControlFailed(Exception):
    """The sandbox refused an order, or cannot be reached; the message says why."""


class Control:
    """The methods of `bsg_sandbox.server.Sandbox`, for a sandbox in another process, by its address.

    Each method raises ControlFailed if the sandbox refuses the request, or cannot be reached within a minute.

    >>> control.fault("cut_after", first=1)
    1
    >>> control.configure(speed=3)
    Traceback (most recent call last):
    bsg_sandbox.control.ControlFailed: {"message":"Wrong settings.",...
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # A sandbox is on loopback: a proxy of the environment must not come between.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def fault(
        self,
        kind: str,
        *,
        first: int | None = None,
        requests: Sequence[int] | None = None,
        probability: float | None = None,
        seed: int = 0,
        times: int | None = None,
        path: str | None = None,
        method: str | None = None,
        **options: object,
    ) -> int:
        """Order a fault; see `Sandbox.fault`."""
        order = {
            "kind": kind,
            "first": first,
            "requests": None if requests is None else list(requests),
            "probability": probability,
            "seed": seed,
            "times": times,
            "path": path,
            "method": method,
            **options,
        }
        responded = self._ask("POST", "fault", order)
        return int(responded["id"])

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults on order, with how often each was possible and happened."""
        return list(self._ask("GET", "faults")["faults"])

    def clear_faults(self) -> None:
        """Take back every fault."""
        self._ask("DELETE", "faults")

    def record(self) -> Record:
        """Return everything that arrived."""
        return Record.from_json(self._ask("GET", "record"))

    def summary(self) -> Summary:
        """Return the counts of what arrived."""
        return Summary.from_json(self._ask("GET", "record?summary=1"))

    def arrivals(self, after: int = 0) -> Iterator[Arrival]:
        """Return what arrived after the campaign with that id, oldest first; a page of it is held at a time."""

        def page_after(after: int) -> list[Arrival]:
            return [Arrival.from_json(each) for each in self._ask("GET", f"arrivals?after={after}")["arrivals"]]

        return every_arrival(page_after, after)

    def advance(self, seconds: float) -> float:
        """Move the sandbox's clock forward and return its new present (seconds since 1970)."""
        return float(self._ask("POST", "advance", {"seconds": seconds})["now"])

    def requests(self) -> list[RequestSeen]:
        """Return the log of requests, oldest first."""
        return [RequestSeen.from_json(entry) for entry in self._ask("GET", "requests")["requests"]]

    def reset(self) -> None:
        """Begin again: nothing arrived, no tokens, no faults, the settings of the start."""
        self._ask("POST", "reset")

    def configure(self, **changes: object) -> dict[str, Any]:
        """Change settings (see `SandboxSettings`) and return all of them."""
        return self._ask("POST", "settings", changes)

    def put_account(self, key: str, **changes: object) -> None:
        """Add an account, or change fields of that with the key (see `Account`), or give it that key (`replaces`)."""
        self._ask("POST", "account", {"key": key, **changes})

    def callbacks(self) -> dict[str, int]:
        """Return how many delivery reports there were, how often they were pushed, and with what success."""
        return self._ask("GET", "callbacks")

    def resume(self, campaign_id: int) -> None:
        """Go on with a campaign that is paused for want of funds."""
        self._ask("POST", "resume", {"campaign_id": campaign_id})

    def force_status(self, campaign_id: int, status: str | None) -> None:
        """Show a campaign in any status, known to BSG or not; None ends that."""
        self._ask("POST", "status", {"campaign_id": campaign_id, "status": status})

    def _ask(self, method: str, name: str, document: object = None) -> dict[str, Any]:
        body = None if document is None else json.dumps(document, default=_listed).encode()
        request = urllib.request.Request(  # noqa: S310 - http to a sandbox that the caller names
            f"{self.url}/_sandbox/{name}", body, {"Content-Type": "application/json"}, method=method
        )
        try:
            with self._opener.open(request, timeout=SECONDS_TO_WAIT) as response:
                responded: dict[str, Any] = json.load(response)
                return responded
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise ControlFailed(refusal.read().decode(errors="replace")) from refusal
        except (OSError, ValueError) as fault:
            raise ControlFailed(f"no sandbox responds at {self.url}") from fault


def _listed(value: object) -> object:
    if isinstance(value, set | frozenset | range):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be sent to a sandbox")
