"""One process's accounts: a runtime for each whose key it has, made at first use so that forks share nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence

from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_worker.runtime import Runtime, build


class Accounts:
    """Never empty. What is of the whole ledger any of the runtimes may do: `first` does."""

    def __init__(self, runtimes: Sequence[Runtime]) -> None:
        self._runtimes = tuple(runtimes)

    @classmethod
    def of(cls, settings: Settings) -> Accounts:
        """Raises SettingsInvalid where no key is set."""
        accounts = settings.require_accounts()
        client, permits = connect(settings), threading.BoundedSemaphore(settings.worker_in_flight)
        return cls([build(account, client=client, permits=permits) for account in accounts])

    def __iter__(self) -> Iterator[Runtime]:
        return iter(self._runtimes)

    @property
    def first(self) -> Runtime:
        return self._runtimes[0]

    def of_campaign(self, campaign_id: str) -> Runtime:
        """The runtime that may send the campaign; if none may, any: no claim of it comes through."""
        if len(self._runtimes) == 1:
            return self.first
        whose = self.first.ledger.reading.account_of(campaign_id)
        return next((runtime for runtime in self._runtimes if runtime.settings.owns(*whose)), self.first)

    def each(self, verb: Callable[[Runtime], str]) -> str:
        """Does it for every account, whatever befalls it for another; answers the outcomes.

        Raises what the first that failed raised, after the others.
        """
        outcomes: list[str] = []
        failures: list[Exception] = []
        for runtime in self._runtimes:
            try:
                outcome = verb(runtime)
            except Exception as failure:
                failures.append(failure)
            else:
                outcomes.append(self._told(runtime, outcome))
        if failures:
            raise failures[0]
        return "; ".join(filter(None, outcomes))

    def _told(self, runtime: Runtime, outcome: str) -> str:
        return outcome if len(self._runtimes) == 1 or not outcome else f"{runtime.settings.account_name}: {outcome}"


_lock = threading.Lock()
_current: tuple[int, Accounts] | None = None


def current() -> Accounts:
    """This process's accounts, from the environment's settings."""
    global _current
    with _lock:
        if _current is None or _current[0] != os.getpid():
            _current = (os.getpid(), Accounts.of(Settings.from_environment()))
        return _current[1]
