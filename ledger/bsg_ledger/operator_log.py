"""Which operator pressed which button of Flower, and when: the last PRESSES_KEPT of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import redis

from bsg_ledger import schema
from bsg_ledger.replies import typed
from bsg_ledger.scripts import Scripts, decoded, text_of
from bsg_ledger.times import to_datetime

PRESSES_KEPT = 10_000
MAX_CHARACTERS = 200  # of a value


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed. `operator`: the login; "" without one. `subject`: what the button acts on.

    >>> Press("ann", "192.0.2.7", "pause", "campaign").action
    'pause'
    """

    operator: str
    address: str
    action: str
    subject: str


@dataclass(frozen=True, slots=True)
class LoggedPress(Press):
    """A press in the log. The time is by Redis's clock."""

    pressed_at: datetime


class OperatorLog:
    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = typed(client)
        self._scripts = scripts

    def note(self, press: Press) -> None:
        """Record a press, before it does anything: what an operator has done is never without it."""
        values = (press.operator, press.address, press.action, press.subject)
        self._scripts.run("note_press", PRESSES_KEPT, *(value[:MAX_CHARACTERS] for value in values))

    def latest(self, at_most: int, *, subject: str = "") -> list[LoggedPress]:
        """Return the last presses, the newest first; those on a subject if one is given."""
        entries = self._client.xrevrange(schema.OPERATOR_LOG(), count=PRESSES_KEPT if subject else at_most)
        found = (
            LoggedPress(
                operator=fields["operator"],
                address=fields["address"],
                action=fields["action"],
                subject=fields["subject"],
                pressed_at=to_datetime(int(text_of(entry).partition("-")[0])),
            )
            for entry, fields in ((entry, decoded(raw)) for entry, raw in entries)
        )
        return [press for press in found if not subject or press.subject == subject][:at_most]
