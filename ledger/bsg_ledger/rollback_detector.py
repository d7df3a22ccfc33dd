"""Detect that the ledger went back: an older copy lacks what a process has seen."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from bsg_ledger.scripts import Scripts, text_of


@dataclass(frozen=True, slots=True)
class RollbackCheck:
    """`sequence` counts the ledger's events. `seen` is the highest number that this process saw before, 0 for none.

    `other_ledger`: the ledger is not an older copy but another one, such as that of an emptied Redis.
    """

    went_back: bool
    sequence: int
    seen: int
    other_ledger: bool


class RollbackDetector:
    """Keeps a process's high-water mark in the ledger: the highest event that the process has seen.

    Only a ledger that went back has a lower mark. The sequence alone proves nothing: an older copy may have counted
    further meanwhile. All accounts share one ledger, so a rollback shuts the gates of all of them.
    """

    def __init__(self, scripts: Scripts, accounts: Sequence[str]) -> None:
        self.name = secrets.token_hex(8)
        self.accounts = tuple(accounts)
        self._scripts = scripts
        self._lock = threading.Lock()
        self._seen = 0
        self._incarnation = ""

    @property
    def seen(self) -> int:
        return self._seen

    def record_seen(self, sequence: int) -> None:
        with self._lock:
            self._seen = max(self._seen, sequence)  # guard: sent-is-seen

    def check(self) -> RollbackCheck:
        """Check that the ledger has everything that this process has seen. If not, shut the accounts' gates, once."""
        seen = self._seen
        kind, sequence, incarnation = self._scripts.run("check_for_rollback", self.name, seen, *self.accounts)
        went_back = text_of(kind) == "went_back"
        with self._lock:
            self._seen = int(sequence) if went_back else max(self._seen, int(sequence))  # guard: seen-is-remembered
            other = self._incarnation not in ("", text_of(incarnation))
            self._incarnation = text_of(incarnation)
        return RollbackCheck(went_back, int(sequence), seen, other)
