"""What one process has seen of the ledger. Nothing else remembers it when the ledger goes back to an older copy."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from bsg_ledger.scripts import Scripts, text_of


@dataclass(frozen=True, slots=True)
class Look:
    """`sequence` counts the ledger's events; `seen` is what this process had seen of them before, 0 for nothing.

    `other_ledger`: it is not an older copy of the one that was seen, but another one, such as that of an emptied Redis.
    """

    went_back: bool
    sequence: int
    seen: int
    other_ledger: bool


class Witness:
    """A process's mark in the ledger, as high as what the process has seen. Only a ledger that went back lacks it.

    The mark and not the sequence alone: an older copy may have counted further meanwhile. The ledger is one, so what
    was seen at any of the process's accounts shuts the gates of all of them.
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

    def saw(self, sequence: int) -> None:
        with self._lock:
            self._seen = max(self._seen, sequence)

    def look(self) -> Look:
        """Looks whether the ledger has all that was seen of it; shuts the accounts' gates if not, once."""
        seen = self._seen
        kind, sequence, incarnation = self._scripts.run("look", self.name, seen, *self.accounts)
        went_back = text_of(kind) == "went_back"
        with self._lock:
            self._seen = int(sequence) if went_back else max(self._seen, int(sequence))
            other = self._incarnation not in ("", text_of(incarnation))
            self._incarnation = text_of(incarnation)
        return Look(went_back, int(sequence), seen, other)
