"""The phones on the stop list of an account. BSG: Stop list."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

FIRST_ID = 9_000_001


@dataclass(slots=True)
class Contact:
    """A phone on a stop list. `created_at` is in seconds since 1970. `types`: the channels that it opted out of."""

    id: int
    phone: int = field(repr=False)
    created_at: float
    types: set[str]


class StopList:
    """The stop list of one account. Threads may share it."""

    def __init__(self) -> None:
        self._by_phone: dict[int, Contact] = {}
        self._given = 0
        self._lock = threading.Lock()

    def attach(self, phones: Iterable[int], types: Iterable[str], now: float) -> list[Contact]:
        """Add phones to the lists of these types. Return their contacts. A phone that is listed keeps its id."""
        with self._lock:
            found = [self._contact(phone, now) for phone in dict.fromkeys(phones)]
            for contact in found:
                contact.types.update(types)
            return found

    def detach(self, ids: Iterable[int], types: Iterable[str]) -> None:
        """Remove contacts from the lists of these types. A contact that is on no list any more is gone."""
        removed, wanted = set(types), set(ids)
        with self._lock:
            for contact in [contact for contact in self._by_phone.values() if contact.id in wanted]:
                contact.types -= removed
                if not contact.types:
                    del self._by_phone[contact.phone]

    def contacts(self) -> list[Contact]:
        """Return all contacts, ordered by id."""
        with self._lock:
            return sorted(self._by_phone.values(), key=attrgetter("id"))

    def _contact(self, phone: int, now: float) -> Contact:
        if phone not in self._by_phone:
            self._by_phone[phone] = Contact(FIRST_ID + self._given, phone, now, set())
            self._given += 1
        return self._by_phone[phone]
