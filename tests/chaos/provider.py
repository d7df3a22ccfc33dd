"""How BSG behaves throughout a run: as the documents hope, or worse."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from random import Random
from typing import Any

from bsg_sandbox.control import Control
from tests.chaos.campaigns import KEYS
from tests.chaos.stops import TimeToStop

BALANCE = 1_000_000.0
LATENCY_SECONDS = 0.2  # as a real provider: time in which a kill finds requests on the wire
CREATION_SECONDS = 1.5  # a stop is refused meanwhile
MODERATION_SECONDS = 40.0  # then BSG can still obey one
STATUSES_OF_RESPONSES = (200, 422)  # to what a status worker asks for when nothing is wrong
ZONES_EAST_OF_UTC = (0, 0, 3, -5)


class ProviderMode(StrEnum):
    """`strict` refuses a reference id that it has; with the others the project must not trust BSG to do so."""

    STRICT = "strict"
    ALLOWS_DUPLICATES = "allows-duplicates"
    SHOWS_LATE = "shows-late"

    @classmethod
    def drawn(cls, seed: int) -> ProviderMode:
        return Random(f"{seed}: provider").choices(tuple(cls), (2, 1, 1))[0]

    @property
    def worker_settings(self) -> dict[str, str]:
        """Only where BSG refuses a reference id a second time may anything be sent again without an operator's word."""
        return {"BSG_DUPLICATE_WINDOW": "60" if self is ProviderMode.STRICT else "0"}


class Sandbox:
    """The sandbox in its process, with the run's lasting behaviour under the passing faults."""

    def __init__(self, url: str, provider_mode: ProviderMode, seed: int) -> None:
        self.control = Control(url)
        self._provider_mode = provider_mode
        self._balance = BALANCE
        self.zone = Random(f"{seed}: zone").choice(ZONES_EAST_OF_UTC)
        self.control.configure(
            latency=LATENCY_SECONDS,
            creation_seconds=CREATION_SECONDS,
            moderation_seconds=MODERATION_SECONDS,
            zone_offset_hours=self.zone,
            token_lifetime=20.0,
            second_login_voids=Random(f"{seed}: tokens").random() < 0.5,
            duplicates="allow" if provider_mode is ProviderMode.ALLOWS_DUPLICATES else "reject_whole",
        )
        self._recipients: dict[int, list[int]] = {}
        self._sends_at: dict[int, datetime] = {}
        self._newest = 0
        self.calm()

    def recipients(self) -> Mapping[int, Sequence[int]]:
        """Return the BSG campaigns in which each phone arrived.

        Only what is new is asked for: a request for all of it at once keeps it from responding to the
        workers meanwhile.
        """
        for arrival in self.control.arrivals(after=self._newest):
            self._newest = arrival.id
            sends_at = arrival.created_at + CREATION_SECONDS + MODERATION_SECONDS
            self._sends_at[arrival.id] = datetime.fromtimestamp(sends_at, UTC)
            for phone in arrival.phones:
                self._recipients.setdefault(phone, []).append(arrival.id)
        return self._recipients

    def time_to_stop(self) -> TimeToStop:
        """Return until when each BSG campaign could be stopped, and when BSG responded to status requests."""
        self.recipients()
        since_1970 = time.time() - time.monotonic()
        active = {
            int(request.ended + since_1970)
            for request in self.control.requests()
            if request.ended and request.method in ("GET", "PATCH") and request.status in STATUSES_OF_RESPONSES
        }
        return TimeToStop(self._sends_at, sorted(active))

    def fault(self, kind: str, **options: Any) -> None:
        if kind == "duplicates" and self._provider_mode is ProviderMode.ALLOWS_DUPLICATES:
            return
        self.control.fault(kind, **options)

    def calm(self) -> None:
        """Take back every passing fault, and pays into the accounts, which opens a gate shut for lack of funds."""
        self.control.clear_faults()
        self._balance += BALANCE
        for key in KEYS.values():
            self.control.put_account(key, balance=self._balance)
        if self._provider_mode is ProviderMode.SHOWS_LATE:
            self.control.fault("late_visibility", seconds=8.0)

    def heal(self) -> None:
        self.calm()
        self.control.clear_faults()
