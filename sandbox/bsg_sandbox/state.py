"""What all requests share: the clock, the accounts, the campaigns, the faults and the log."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bsg_sandbox.accounts import Account, Accounts, default_accounts
from bsg_sandbox.callbacks import Callbacks
from bsg_sandbox.clock import Clock
from bsg_sandbox.contacts import StopList
from bsg_sandbox.faults import Faults
from bsg_sandbox.jobs import StatisticsJobs
from bsg_sandbox.record import Arrival, Record, Summary
from bsg_sandbox.responses import TOO_MANY_REQUESTS, Refused, message_response
from bsg_sandbox.settings import SandboxSettings
from bsg_sandbox.store import Store

MAX_LOG = 200_000


@dataclass(slots=True)
class RequestSeen:
    """A request in the log.

    `time`: when its headers had been read. `ended`: when its response was sent, or when it ended without one. Both are
    by `time.monotonic()`. `status`: None without a response. `struck`: the kinds of the faults that happened to it.
    """

    number: int
    method: str
    path: str
    time: float
    status: int | None = None
    struck: tuple[str, ...] = ()
    ended: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> RequestSeen:
        """Parse what `to_json` returned."""
        return cls(**{**document, "struck": tuple(document["struck"])})


class SandboxState:
    """The state of a sandbox. Threads may share it."""

    def __init__(self, settings: SandboxSettings, accounts: Iterable[Account] | None) -> None:
        self.first_settings = settings
        self._first_accounts = [asdict(account) for account in accounts or default_accounts()]
        self.clock = Clock()
        self._lock = threading.Lock()
        self._open = 0
        self.callbacks = Callbacks(self.clock, lambda: self.settings)
        self.reset()

    def reset(self, *, clock: bool = False) -> None:
        """Remove all campaigns, tokens, faults and changes of settings and accounts. The clock keeps its time.

        `clock`: it shows the real time again.
        """
        if clock:
            self.clock.reset()
        self.settings = self.first_settings
        self.accounts = Accounts([Account(**known) for known in self._first_accounts], self.settings.seed)
        self.store = Store()
        self.callbacks.stop()
        self.callbacks = Callbacks(self.clock, lambda: self.settings)
        self._stop_lists: dict[str, StopList] = {}
        self._statistics_jobs: dict[str, StatisticsJobs] = {}
        self.faults = Faults()
        self._log: deque[RequestSeen] = deque(maxlen=MAX_LOG)
        self._number = 0
        self._most_open = self._open
        self._next_free: dict[str, float] = {}

    def change(self, changes: Mapping[str, object]) -> SandboxSettings:
        """Change settings for the requests from now on, and return all. Raise SandboxSettingsInvalid."""
        with self._lock:
            self.settings = self.settings.changed(changes)
            return self.settings

    def put_account(self, changes: Mapping[str, object]) -> None:
        """Add an account, or change the account that has the `key`. Raise ValueError."""
        self.accounts.put(changes)

    def stop_list_of(self, key: str) -> StopList:
        """Return the stop list of the account with this key."""
        with self._lock:
            return self._stop_lists.setdefault(key, StopList())

    def statistics_jobs_of(self, key: str) -> StatisticsJobs:
        """Return the statistics jobs of the account with this key."""
        with self._lock:
            return self._statistics_jobs.setdefault(key, StatisticsJobs())

    def resume(self, campaign_id: int) -> None:
        """Resume a campaign that is paused for lack of funds, as the owner of a real account does by hand.

        Raise KeyError for an unknown campaign, and ValueError if it does not wait for funds or there are still none.
        """
        campaign, now = self.store.campaign(campaign_id, None), self.clock.now()
        if campaign is None:
            raise KeyError(campaign_id)
        if not campaign.is_out_of_funds(now):
            raise ValueError("the campaign does not wait for funds")
        price = campaign.price * campaign.unpaid / campaign.size
        paid = self.accounts.charge(self.accounts.by_key[campaign.key], price, campaign.unpaid, partly=True)
        if paid == 0:
            raise ValueError("the account has no funds")
        campaign.resume(now, paid)

    def force_status(self, campaign_id: int, status: str | None) -> None:
        """Show a campaign in any status; None: in its own status again. Raise KeyError for an unknown campaign."""
        campaign = self.store.campaign(campaign_id, None)
        if campaign is None:
            raise KeyError(campaign_id)
        campaign.forced_status = status

    def opened(self, method: str, path: str) -> RequestSeen:
        """Add a request to the log. Return its entry."""
        with self._lock:
            self._number += 1
            self._open += 1
            self._most_open = max(self._most_open, self._open)
            seen = RequestSeen(self._number, method, path, time.monotonic())
            self._log.append(seen)
            return seen

    def closed(self, seen: RequestSeen, status: int | None) -> None:
        """Record the end of a request in the log."""
        with self._lock:
            self._open -= 1
            seen.status = status
            seen.ended = time.monotonic()

    def requests(self) -> list[RequestSeen]:
        """Return the last 200 000 requests, oldest first."""
        with self._lock:
            return list(self._log)

    def summary(self) -> Summary:
        """Return counts of what arrived."""
        return self.store.summary(self._most_open)

    def record(self) -> Record:
        """Return everything that arrived."""
        return self.store.record(self.clock.now())

    def arrivals(self, after: int) -> list[Arrival]:
        """Return the next campaigns that arrived after the campaign with this id."""
        return self.store.arrivals(after)

    def hold_to_rate(self, key: str) -> None:
        """Raise Refused with 429 if an account makes more requests a second than the settings allow."""
        rate = self.settings.rate_limit
        if rate == 0:
            return
        now = time.monotonic()
        with self._lock:
            free = max(self._next_free.get(key, 0.0), now)
            # Tolerate a tenth of the interval: requests that left on time may arrive a little early.
            if free - now > 0.1 / rate:
                raise Refused(message_response(429, TOO_MANY_REQUESTS))
            self._next_free[key] = free + 1 / rate
