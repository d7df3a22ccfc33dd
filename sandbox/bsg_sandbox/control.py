"""Control a sandbox in another process, over its control address."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

from bsg_sandbox.faults import next_fault
from bsg_sandbox.record import Arrival, Record, Summary, every_arrival
from bsg_sandbox.state import RequestSeen

SECONDS_TO_WAIT = 60.0


class ControlFailed(Exception):
    """The sandbox refused a request, or cannot be reached. The message says why."""


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
        # A sandbox is on loopback, which a proxy of the environment could not reach.
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
        """Add a fault and return its number, as `Sandbox.fault` does."""
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

    def fail_next(self, name: str, **options: object) -> int:
        """Add a fault that happens once, to the next request, as `Sandbox.fail_next` does. Return its number."""
        kind, once = next_fault(name)
        return self.fault(kind, **once, **options)  # type: ignore[arg-type]

    def faults(self) -> list[dict[str, Any]]:
        """Return the active faults, with how often each was possible (`seen`) and how often it `happened`."""
        return list(self._ask("GET", "faults")["faults"])

    def clear_faults(self) -> None:
        """Remove every fault."""
        self._ask("DELETE", "faults")

    def record(self) -> Record:
        """Return everything that arrived. For a million messages this takes seconds; `summary` does not."""
        return Record.from_json(self._ask("GET", "record"))

    def summary(self) -> Summary:
        """Return counts of what arrived."""
        return Summary.from_json(self._ask("GET", "record?summary=1"))

    def arrivals(self, after: int = 0) -> Iterator[Arrival]:
        """Yield the campaigns that arrived after the campaign with the id `after`, oldest first. 0: all campaigns.

        Only one page of them is held in memory at a time.
        """

        def page_after(after: int) -> list[Arrival]:
            return [Arrival.from_json(each) for each in self._ask("GET", f"arrivals?after={after}")["arrivals"]]

        return every_arrival(page_after, after)

    def advance(self, seconds: float) -> float:
        """Move the sandbox's clock forward by this many seconds. Return its new time, in seconds since 1970."""
        return float(self._ask("POST", "advance", {"seconds": seconds})["now"])

    def requests(self) -> list[RequestSeen]:
        """Return the last 200 000 requests, oldest first, without those to the control address."""
        return [RequestSeen.from_json(entry) for entry in self._ask("GET", "requests")["requests"]]

    def reset(self, *, clock: bool = False) -> None:
        """Remove all campaigns, tokens, faults and changes of settings and accounts, as `Sandbox.reset` does."""
        self._ask("POST", "reset", {"clock": clock})

    def configure(self, **changes: object) -> dict[str, Any]:
        """Change settings for the requests from now on, and return all settings. See `SandboxSettings`."""
        return self._ask("POST", "settings", changes)

    def put_account(self, key: str, **changes: object) -> None:
        """Add an account with this key, or change fields of the account that has it, as `Sandbox.put_account` does."""
        self._ask("POST", "account", {"key": key, **changes})

    def callbacks(self) -> dict[str, int]:
        """Return how many delivery reports there were, how often they were pushed, and with what result."""
        return self._ask("GET", "callbacks")

    def resume(self, campaign_id: int) -> None:
        """Resume a campaign that is paused for lack of funds."""
        self._ask("POST", "resume", {"campaign_id": campaign_id})

    def force_status(self, campaign_id: int, status: str | None) -> None:
        """Show a campaign in any status, also in one that BSG does not have. None: in its own status again."""
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
