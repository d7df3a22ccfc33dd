"""A sandbox in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from bsg_sandbox.accounts import Account
from bsg_sandbox.faults import next_fault
from bsg_sandbox.http_server import HttpServer
from bsg_sandbox.record import Arrival, Record, Summary, every_arrival
from bsg_sandbox.routes import Routes
from bsg_sandbox.settings import SandboxSettings
from bsg_sandbox.state import RequestSeen, SandboxState

LOOPBACK = "127.0.0.1"


class Sandbox:
    """BSG One API on a port of loopback, served by threads of this process while the context is open.

    `port`: 0 takes a free one. `settings` are those of `SandboxSettings`. `accounts` replace the default accounts
    `live_sandbox`, `test_sandbox` and `live_demo`. Raise SandboxSettingsInvalid for a wrong setting, and OSError if the
    port is taken.

    >>> with Sandbox(creation_seconds=60) as sandbox:
    ...     with urllib.request.urlopen(f"{sandbox.url}/_sandbox/settings") as response:
    ...         print(json.load(response)["creation_seconds"])
    60.0
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
        """Respond to requests from now on. The context does this.

        >>> sandbox = Sandbox()
        >>> sandbox.start()
        >>> sandbox.stop()
        """
        self._server.start()

    def stop(self) -> None:
        """Close the port and every connection. A stopped sandbox cannot be started again.

        >>> sandbox.stop()
        """
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
        """Add a fault and return its number. Raise FaultInvalid. docs/sandbox.md lists the kinds and their options.

        It happens to requests of its method and path, in which `*` stands for anything: to the first `first` of them,
        to those numbered in `requests` (from 1, since the fault was added), or to each with a `probability` from 0 to
        1, drawn with `seed`. Without these three it happens to all. It happens at most `times` times.

        >>> sandbox.fault("throttle", requests=[1, 3], retry_after=2)
        1
        >>> sandbox.fault("thunder")
        Traceback (most recent call last):
        bsg_sandbox.faults.FaultInvalid: no such fault; there are cut_after, ...
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

    def fail_next(self, name: str, **options: Any) -> int:
        """Add a fault that happens once, to the next request that it is possible for. Return its number.

        Raise FaultInvalid. The name is that of a kind, or a status of HTTP with `_before` or `_after`: "502_after"
        means that the sandbox takes the campaign, and responds with 502.

        >>> sandbox.fail_next("502_after")
        1
        >>> sandbox.fail_next("throttle", retry_after=2)
        2
        """
        kind, once = next_fault(name)
        return self.fault(kind, **once, **options)

    def faults(self) -> list[dict[str, Any]]:
        """Return the active faults, with how often each was possible (`seen`) and how often it `happened`.

        >>> sandbox.fault("cut_after", first=1)
        1
        >>> [(fault["kind"], fault["seen"], fault["happened"]) for fault in sandbox.faults()]
        [('cut_after', 0, 0)]
        """
        return self._state.faults.on_order()

    def clear_faults(self) -> None:
        """Remove every fault.

        >>> sandbox.fault("cut_after")
        1
        >>> sandbox.clear_faults()
        >>> sandbox.faults()
        []
        """
        self._state.faults.clear()

    def record(self) -> Record:
        """Return everything that arrived. For a million messages this takes seconds; `summary` does not.

        >>> record = sandbox.record()
        >>> record.messages, [campaign["size"] for campaign in record.campaigns], record.duplicates
        (2, [2], [])
        """
        return self._state.record()

    def summary(self) -> Summary:
        """Return counts of what arrived.

        >>> summary = sandbox.summary()
        >>> summary.campaigns, summary.messages, summary.repeated_messages
        (1, 2, 0)
        """
        return self._state.summary()

    def arrivals(self, after: int = 0) -> Iterator[Arrival]:
        """Yield the campaigns that arrived after the campaign with the id `after`, oldest first. 0: all campaigns.

        >>> [(arrival.id, arrival.phones) for arrival in sandbox.arrivals()]
        [(1000001, [380660000000, 380660000001])]
        """
        return every_arrival(self._state.arrivals, after)

    def advance(self, seconds: float) -> float:
        """Move the sandbox's clock forward by this many seconds. Return its new time, in seconds since 1970.

        Raise ValueError for a negative number: campaigns never go back to an earlier status.

        >>> then = sandbox.advance(0)
        >>> 3600 <= sandbox.advance(3600) - then < 3660
        True
        """
        return self._state.clock.advance(seconds)

    def requests(self) -> list[RequestSeen]:
        """Return the last 200 000 requests, oldest first, without those to the control address.

        >>> [(request.method, request.path, request.status) for request in sandbox.requests()][:2]
        [('POST', '/api/auth/login', 200), ('POST', '/api/campaigns/sms/send-individual', 200)]
        """
        return self._state.requests()

    def reset(self, *, clock: bool = False) -> None:
        """Remove all campaigns, tokens, faults and changes of settings and accounts. The clock keeps its time.

        With `clock=True`, it shows the real time again.

        >>> sandbox.reset()
        >>> sandbox.summary().messages, sandbox.faults()
        (0, [])
        """
        self._state.reset(clock=clock)

    def configure(self, **changes: object) -> dict[str, Any]:
        """Change settings for the requests from now on, and return all settings. Raise SandboxSettingsInvalid.

        >>> sandbox.configure(latency=0.05)["latency"]
        0.05
        >>> sandbox.configure(speed=3)
        Traceback (most recent call last):
        bsg_sandbox.settings.SandboxSettingsInvalid: speed: unknown; known are seed, ...
        """
        return asdict(self._state.change(changes))

    def put_account(self, key: str, **changes: object) -> None:
        """Add an account with this key, or change fields of the account that has it. Raise ValueError.

        The fields are those of `Account`. `replaces`: the key that an account had until now; it becomes void.

        >>> sandbox.put_account("live_poor", balance=0.5)
        >>> sandbox.put_account("live_poor", balance="much")
        Traceback (most recent call last):
        ValueError: balance must be an amount
        """
        self._state.put_account({"key": key, **changes})

    def callbacks(self) -> dict[str, int]:
        """Return how many delivery reports there were, how often they were pushed, and with what result.

        >>> sandbox.callbacks()
        {'reports': 0, 'attempts': 0, 'received': 0, 'given_up': 0, 'waiting': 0}
        """
        return self._state.callbacks.counts()

    def resume(self, campaign_id: int) -> None:
        """Resume a campaign that is paused for lack of funds, as the owner of a real account does by hand.

        Raise KeyError for an unknown campaign, and ValueError if it does not wait for funds or there are still none.

        >>> sandbox.resume(1000001)
        Traceback (most recent call last):
        ValueError: the campaign does not wait for funds
        """
        self._state.resume(campaign_id)

    def force_status(self, campaign_id: int, status: str | None) -> None:
        """Show a campaign in any status, also in one that BSG does not have. None: in its own status again.

        Raise KeyError for an unknown campaign.

        >>> sandbox.force_status(1000001, "paused")
        >>> sandbox.force_status(1, "paused")
        Traceback (most recent call last):
        KeyError: 1
        """
        self._state.force_status(campaign_id, status)
