"""A process's accounts: a runtime for each account with a key, made at first use so that forks share nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence

from bsg_config.settings import Settings
from bsg_worker.row_requests import shuffled
from bsg_worker.runtime import Runtime, build


class Accounts:
    """A process's runtimes. There is at least one. Ledger-wide jobs may run on any of them.

    The one thread that runs a poll or a status pass holds `polling` or `status_pass` (see `passes`). If BSG does not
    respond, the other threads stay free for the sweep.
    """

    def __init__(self, runtimes: Sequence[Runtime]) -> None:
        self._runtimes = tuple(runtimes)
        self.polling = threading.Lock()
        self.status_pass = threading.Lock()

    @classmethod
    def of(cls, settings: Settings) -> Accounts:
        """Return the accounts. Raise SettingsInvalid if no key is set."""
        account, *others = settings.require_accounts()
        first = build(settings, account, others=others)
        return cls([first, *(build(settings, other, first=first) for other in others)])

    def __iter__(self) -> Iterator[Runtime]:
        return iter(self._runtimes)

    @property
    def first(self) -> Runtime:
        return self._runtimes[0]

    def of_name(self, account_name: str) -> Runtime:
        """Return the runtime of the account of that name. Raise LookupError if its key is not set here."""
        for runtime in self._runtimes:
            if runtime.account.name == account_name:
                return runtime
        raise LookupError(f"no key of the account {account_name} is set here")

    def each(self, verb: Callable[[Runtime], str]) -> str:
        """Call the verb for every account, even if it fails for another one. Return the outcomes.

        After that, raise the first exception.
        """
        outcomes: dict[str, str] = {}
        failures: list[Exception] = []
        for runtime in shuffled(self._runtimes):
            try:
                outcomes[runtime.account.name] = verb(runtime)
            except Exception as failure:  # whatever fails for one account, the others have their pass
                failures.append(failure)
        if failures:
            raise failures[0]
        return "; ".join(self._named(account, outcome) for account, outcome in sorted(outcomes.items()) if outcome)

    def _named(self, account: str, outcome: str) -> str:
        return outcome if len(self._runtimes) == 1 else f"{account}: {outcome}"


_lock = threading.Lock()
_current: tuple[int, Accounts] | None = None


def current() -> Accounts:
    """Return this process's accounts, from the environment's settings."""
    global _current
    with _lock:
        if _current is None or _current[0] != os.getpid():
            _current = (os.getpid(), Accounts.of(Settings.from_environment()))
        return _current[1]
