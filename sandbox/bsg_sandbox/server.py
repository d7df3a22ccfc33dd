"""A sandbox in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from bsg_sandbox.accounts import Account
from bsg_sandbox.http_server import HttpServer
from bsg_sandbox.record import Arrival, Record, Summary, every_arrival
from bsg_sandbox.routes import Routes
from bsg_sandbox.settings import SandboxSettings
from bsg_sandbox.state import RequestSeen, SandboxState

LOOPBACK = "127.0.0.1"


class Sandbox:
    """BSG One API on a port of loopback, served by threads of this process while the context is open.

    `settings` are those of `SandboxSettings`; `accounts` replace the three that are there by default
    (`live_sandbox`, `test_sandbox`, `live_demo`). Raises SandboxSettingsInvalid, and OSError when the port is
    taken.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = LOOPBACK,
        accounts: Iterable[Account] | None = None,
        **settings: object,
    ) -> None:
        self._state = SandboxState(SandboxSettings().changed(settings), accounts)
        self._routes = Routes(self._state)
        self._server = HttpServer(host, port, self._routes)
        written = f"[{self._server.host}]" if ":" in self._server.host else self._server.host
        self.url = f"http://{written}:{self._server.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Respond to requests from now on."""
        self._server.start()

    def stop(self) -> None:
        """Close the port and every connection; a sandbox is not started again."""
        self._routes.stopping.set()
        self._state.callbacks.stop()
        self._server.stop()

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
        **options: Any,
    ) -> int:
        """Order a fault and return its number; raise FaultInvalid. docs/sandbox.md lists the kinds.

        It happens to requests of its method and path (`*` stands for anything): to the `first` so many, to
        those numbered in `requests` (from 1, counted since the order), to each with a `probability` drawn by
        `seed`; to all if none of these is given; and at most `times` times.
        """
        return self._state.faults.order(
            kind,
            first=first,
            requests=requests,
            probability=probability,
            seed=seed,
            times=times,
            path=path,
            method=method,
            **options,
        )

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults on order, with how often each was possible and happened."""
        return self._state.faults.on_order()

    def clear_faults(self) -> None:
        """Take back every fault."""
        self._state.faults.clear()

    def record(self) -> Record:
        """Return everything that arrived."""
        return self._state.record()

    def summary(self) -> Summary:
        """Return the counts of what arrived."""
        return self._state.summary()

    def arrivals(self, after: int = 0) -> Iterator[Arrival]:
        """Return what arrived after the campaign with that id, oldest first."""
        return every_arrival(self._state.arrivals, after)

    def advance(self, seconds: float) -> float:
        """Move the clock forward and return the new present (seconds since 1970)."""
        return self._state.clock.advance(seconds)

    def requests(self) -> list[RequestSeen]:
        """Return the log of requests, oldest first."""
        return self._state.requests()

    def reset(self) -> None:
        """Begin again: nothing arrived, no tokens, no faults, the settings of the start."""
        self._state.reset()

    def configure(self, **changes: object) -> dict[str, Any]:
        """Change settings for the requests from now on, and return all; raise SandboxSettingsInvalid."""
        return asdict(self._state.change(changes))

    def put_account(self, key: str, **changes: object) -> None:
        """Add an account, or change fields of that with the key, or give it that (`replaces`); raise ValueError."""
        self._state.put_account({"key": key, **changes})

    def callbacks(self) -> dict[str, int]:
        """Return how many delivery reports there were, how often they were pushed, and with what success."""
        return self._state.callbacks.counts()

    def resume(self, campaign_id: int) -> None:
        """Go on with a campaign that is paused for want of funds; raise KeyError and ValueError."""
        self._state.resume(campaign_id)

    def force_status(self, campaign_id: int, status: str | None) -> None:
        """Show a campaign in any status, known to BSG or not; None ends that. Raise KeyError."""
        self._state.force_status(campaign_id, status)
