"""A campaign that was accepted: its messages as columns, and its progress at a given time."""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import repeat

from bsg_sandbox.settings import SandboxSettings

FINAL = frozenset({"spam", "stopped", "done"})
CAN_BE_STOPPED = frozenset({"moderation", "scheduled", "sending", "paused"})
COUNTED = (
    "delivered",
    "scheduled",
    "moderation",
    "accepted",
    "sending",
    "sent",
    "expired",
    "failed",
    "undelivered",
    "unknown",
    "read",
)
_BEFORE_SENDING = {"creation": "accepted", "moderation": "moderation", "scheduled": "scheduled"}
_SEPARATOR = "\0"


class TextColumn:
    """Texts joined into one string, which takes half the memory of separate strings."""

    def __init__(self, texts: list[str]) -> None:
        self.size = len(texts)
        self._same = self.size > 1 and texts.count(texts[0]) == self.size
        joined = texts[0] if self._same else _SEPARATOR.join(texts)
        self._as_given: list[str] | None = None
        if not self._same and joined.count(_SEPARATOR) != max(self.size - 1, 0):
            self._as_given, joined = texts, ""
        self._joined = joined

    def all(self) -> list[str]:
        """Return all texts, in the order of the rows."""
        if self.size == 0:
            return []
        if self._as_given is not None:
            return self._as_given
        if self._same:
            return list(repeat(self._joined, self.size))
        return self._joined.split(_SEPARATOR)


@dataclass(frozen=True, slots=True)
class Timeline:
    """When a campaign's status changes, in seconds since 1970. It is fixed when the campaign is accepted.

    `moderated_from`: its creation ends. `ready_at`: its moderation ends. `starts_at`: its sending begins. `done_at`:
    its sending ends. A campaign that `is_spam` ends at `ready_at`.
    """

    created_at: float
    moderated_from: float
    ready_at: float
    starts_at: float
    done_at: float
    is_spam: bool

    @classmethod
    def plan(cls, now: float, start_at: float | None, size: int, is_spam: bool, settings: SandboxSettings) -> Timeline:
        """Return the timeline of a campaign of `size` messages, by the durations in the settings."""
        moderated_from = now + settings.creation_seconds
        ready_at = moderated_from + settings.moderation_seconds
        starts_at = max(ready_at, start_at or 0.0)
        done_at = starts_at + settings.sending_seconds * size / 10_000
        return cls(now, moderated_from, ready_at, starts_at, done_at, is_spam)

    def status(self, now: float) -> str:
        """Return BSG's status of a campaign that is never stopped."""
        if now < self.moderated_from:
            return "creation"
        if now < self.ready_at:
            return "moderation"
        if self.is_spam:
            return "spam"
        if now < self.starts_at:
            return "scheduled"
        return "sending" if now < self.done_at else "done"

    def share(self, now: float) -> float:
        """Return the share of the messages that have been sent, from 0 to 1."""
        if self.is_spam or now < self.starts_at:
            return 0.0
        if now >= self.done_at:
            return 1.0
        return (now - self.starts_at) / (self.done_at - self.starts_at)


@dataclass(slots=True, eq=False)
class Campaign:
    """A campaign that was accepted. Times are in seconds since 1970; a row is a message's index, from 0.

    The last `unpaid` messages wait for funds: the campaign is `paused` when the others have been sent, until it is
    resumed. `idle`: for each such pause, the row before which it began, and its seconds. `validity` is in hours.
    `price` is of all messages. `counted_only`: messages that the sink counted. BSG: GET /api/campaigns/{id}.
    """

    id: int
    key: str = field(repr=False)
    name: str
    timeline: Timeline
    start_at: float | None
    phones: array[int] = field(repr=False)
    texts: TextColumn = field(repr=False)
    senders: list[str] | str = field(repr=False)
    references: list[str | None] = field(repr=False)
    first_message_id: int
    tariff_code: int
    validity: int
    price: float
    currency: str
    seed: int
    delivery_seconds: float
    undelivered_share: float
    stopped_at: float | None = None
    forced_status: str | None = None
    counted_only: int = 0
    callback_url: str | None = None
    unpaid: int = 0
    idle: list[tuple[int, float]] = field(default_factory=list)
    arrived_before: int = 0

    @property
    def size(self) -> int:
        """Return the number of messages that were accepted."""
        return len(self.phones) + self.counted_only

    @property
    def sender(self) -> str:
        """Return the sender of the first message; "" without messages."""
        return self.senders if isinstance(self.senders, str) else next(iter(self.senders), "")

    def sender_of(self, row: int) -> str:
        """Return the sender of a row."""
        return self.senders if isinstance(self.senders, str) else self.senders[row]

    def status(self, now: float) -> str:
        """Return BSG's status of the campaign."""
        if self.forced_status is not None:
            return self.forced_status
        if self.stopped_at is not None:
            return "stopped"
        return "paused" if self.is_out_of_funds(now) else self.timeline.status(self._elapsed_to(now))

    def is_out_of_funds(self, now: float) -> bool:
        """Return whether sending has reached the first message that is not paid for."""
        return self.unpaid > 0 and now - self._idle_seconds() >= self._funds_end_at()

    def resume(self, now: float, paid: int) -> None:
        """Send `paid` more messages: they have been paid for."""
        self.arrived_before = self._progress(now)[1]
        self.idle.append((self.size - self.unpaid, now - self._idle_seconds() - self._funds_end_at()))
        self.unpaid -= paid

    def started_at(self, now: float) -> float | None:
        """Return when sending began; None before that."""
        at = self._elapsed_to(now)
        return self.timeline.starts_at if self.timeline.share(at) > 0 else None

    def finished_at(self, now: float) -> float | None:
        """Return when the campaign reached its final status; None before that."""
        if self.stopped_at is not None:
            return self.stopped_at
        ends = {"done": self.timeline.done_at + self._idle_seconds(), "spam": self.timeline.ready_at}
        return ends.get(self.timeline.status(self._elapsed_to(now)))

    def statistics(self, now: float) -> dict[str, int]:
        """Return the number of messages in each of BSG's statuses. Their sum is `size`.

        BSG: GET /api/campaigns/{id}/detail.
        """
        counts = dict.fromkeys(COUNTED, 0)
        sent, arrived, failed = self._progress(now)
        waiting = self.size - sent
        counts[self._status_of_waiting(now)] += waiting
        counts["sent"] += sent - arrived
        counts["undelivered"] += failed
        counts["delivered"] += arrived - failed
        return counts

    def message_status(self, row: int, now: float) -> str:
        """Return BSG's status of one message. It agrees with `statistics`. BSG: GET /api/messages."""
        sent, arrived, _ = self._progress(now)
        if row >= sent:
            return self._status_of_waiting(now)
        if row >= arrived:
            return "sent"
        return "undelivered" if self._failed_among(row + 1) > self._failed_among(row) else "delivered"

    def message_time(self, row: int, now: float, delay: float = 0.0) -> float | None:
        """Return when a message was sent; with `delay`, when it arrived so many seconds later. None before that."""
        sent, arrived, _ = self._progress(now)
        if row >= (arrived if delay else sent):
            return None
        return self._leaves_at(row) + self._idle_seconds(row) + delay

    def ended_rows(self, now: float) -> tuple[int, int]:
        """Return the row up to which all messages have arrived, and the row up to which all have a final status."""
        sent, arrived, _ = self._progress(now)
        is_kept_back = arrived == sent and self._status_of_waiting(now) == "failed"
        return arrived, len(self.phones) if is_kept_back else arrived

    def _leaves_at(self, row: int) -> float:
        duration = self.timeline.done_at - self.timeline.starts_at
        return self.timeline.starts_at + duration * (row + 1) / max(self.size, 1)

    def _funds_end_at(self) -> float:
        return self._leaves_at(self.size - self.unpaid - 1) if self.unpaid else math.inf

    def _idle_seconds(self, row: int | None = None) -> float:
        return sum(seconds for first, seconds in self.idle if row is None or row >= first)

    def _elapsed_to(self, now: float) -> float:
        """Return how far the timeline is: the time without the pauses, until a stop or the end of the funds."""
        reached = now if self.stopped_at is None else min(now, self.stopped_at)
        return min(reached - self._idle_seconds(), self._funds_end_at())

    def _progress(self, now: float) -> tuple[int, int, int]:
        at, sent = self._elapsed_to(now), self.size - self.unpaid
        if at < self._funds_end_at():
            sent = min(sent, int(self.size * self.timeline.share(at)))
        # Messages that were sent before a stop or a pause still arrive after it.
        share = self.timeline.share(now - self._idle_seconds() - self.delivery_seconds)
        arrived = min(sent, max(self.arrived_before, int(self.size * share)))
        return sent, arrived, self._failed_among(arrived)

    def _failed_among(self, rows: int) -> int:
        return min(rows, int(rows * self.undelivered_share + self._phase()))

    def _phase(self) -> float:
        if self.undelivered_share == 0:
            return 0.0
        digest = hashlib.blake2b(f"{self.seed}:{self.id}".encode(), digest_size=4).digest()
        return int.from_bytes(digest) / 2**32

    def _status_of_waiting(self, now: float) -> str:
        status = "stopped" if self.stopped_at is not None else self.timeline.status(self._elapsed_to(now))
        if status in ("spam", "stopped"):
            return "failed"
        return _BEFORE_SENDING.get(status, "sending")


def senders_column(senders: Iterable[str]) -> list[str] | str:
    """Return one sender if all rows have the same, which saves memory; otherwise one for each row."""
    listed = list(senders)
    return listed[0] if len(set(listed)) == 1 else listed
