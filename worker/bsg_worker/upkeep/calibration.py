"""Measure what BSG's documents do not state, with messages to the operator's own phones.

All messages are scheduled for later and then stopped. They cost money only if BSG does not stop them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bsg_client.bsg_client import BSGClient
from bsg_client.outcomes import Outcome, OutcomeKind, ReadFailed
from bsg_client.responses import CampaignResponse
from bsg_config import clock
from bsg_ledger.limiter import MAX_RESERVATION, Later
from bsg_ledger.provider_facts import DuplicateRule, ProviderFacts
from bsg_worker.bsg_time import QUARTER
from bsg_worker.pace import FINAL
from bsg_worker.reconcile.lookup import ZONE_MARGIN
from bsg_worker.runtime import Runtime

TEXT = "A test of the SMS system. Nothing needs to be done."
MAX_MESSAGES = 3  # that BSG may take
STARTS_IN = timedelta(hours=40)  # in the future in every zone
MAX_WAIT_SECONDS = 180.0
PAUSE_SECONDS = 0.5
MAX_REQUESTS = 20
MAX_TRIES = 5

Report = Callable[[str], None]


class CalibrationFailed(Exception):
    """BSG did not take the first message, or did not respond. `str()` is a sentence for the operator."""


@dataclass(slots=True)
class Calibration:
    """The results. `running`: campaigns that BSG did not stop; they are sent at `starts_at`."""

    facts: ProviderFacts
    starts_at: datetime
    running: list[int] = field(default_factory=list)


def price_of_one(runtime: Runtime, *, sender: str, phone: int) -> tuple[Decimal, str]:
    """Return the price of one message of a calibration, and its currency. Raise ReadFailed."""
    price = runtime.client.price(sender=sender, text=TEXT, phones=[phone], tariff_code=0)
    return price.amount, price.currency or ""


def calibrate(runtime: Runtime, *, sender: str, phones: Sequence[int], report: Report) -> Calibration:
    """Measure everything. `report` is called with each next step. Raise CalibrationFailed.

    Two phones show whether one known reference id makes BSG reject the whole request, or only its message.
    """
    trial = _Trial(runtime, sender, phones)
    with trial.stopping_all(report):
        report("sending a first message, scheduled for later")
        first = trial.send([(phones[0], trial.reference_ids[0])])
        if first.campaign is None:
            raise CalibrationFailed(f"BSG did not take the first message: {first.cause}")
        sent_at = clock.monotonic()
        minutes_east = _minutes_east(first.campaign, runtime.ledger.due_indexes.now())
        report("waiting until BSG lists the campaign and its message")
        listed_after = _seconds_until(sent_at, lambda: trial.is_listed(first))
        visible_after = _seconds_until(sent_at, lambda: trial.is_visible(trial.reference_ids[0]))
        report("sending its reference id again")
        duplicates, second = trial.send_again()
        if second.campaign is None:
            second = trial.send([(phones[0], trial.reference_ids[2])])
        report("stopping what was sent")
        in_creation, in_scheduled = trial.stop_by_state(second)
        report("asking BSG for prices as often as the rate limit allows")
        rate, requests, throttled = _ask_at_the_limit(runtime, sender, phones[0])
    facts = ProviderFacts(
        measured_at=runtime.ledger.due_indexes.now(),
        duplicates=duplicates,
        message_visible_after=visible_after,
        campaign_listed_after=listed_after,
        minutes_east=minutes_east,
        stop_in_creation=in_creation,
        stop_in_scheduled=in_scheduled,
        rate=rate,
        requests=requests,
        throttled=throttled,
    )
    return Calibration(facts, trial.starts_at, trial.running)


class _Trial:
    """The campaigns of one calibration."""

    def __init__(self, runtime: Runtime, sender: str, phones: Sequence[int]) -> None:
        self.reference_ids = [f"calibrate{secrets.token_hex(8)}" for _ in range(3)]
        self.starts_at = runtime.ledger.due_indexes.now() + STARTS_IN
        self.running: list[int] = []
        self._runtime = runtime
        self._sender = sender
        self._phones = phones

    def send(self, rows: Sequence[tuple[int, str]]) -> Outcome:
        """Send messages, each a phone and a reference id, in one request, within the rate limit."""
        messages = [
            {"phone": phone, "sender": self._sender, "text": TEXT, "reference_id": reference_id}
            for phone, reference_id in rows
        ]
        start_at = self.starts_at.astimezone(self._runtime.account.bsg_timezone).strftime("%Y-%m-%d %H:%M:%S")
        fields = {"tariff_code": 0, "validity": 1, "start_at": start_at}
        for _ in range(MAX_TRIES):
            self._wait_for_slot()
            outcome = self._runtime.client.send_individual(json.dumps(messages).encode(), fields, lambda: True)
            if outcome.kind is not OutcomeKind.THROTTLED:
                break
            clock.sleep(outcome.retry_after or 1.0)
        if outcome.campaign is not None:
            self.running.append(outcome.campaign.id)
        return outcome

    def _wait_for_slot(self) -> None:
        while isinstance(slot := self._runtime.submit_limiter.reserve(MAX_RESERVATION), Later):
            clock.sleep(slot.retry_in)
        clock.sleep(slot.wait)

    def send_again(self) -> tuple[DuplicateRule, Outcome]:
        """Send the first reference id again, with a new one if there is a second phone."""
        known, new, _ = self.reference_ids
        if len(self._phones) > 1:
            both = self.send([(self._phones[0], known), (self._phones[1], new)])
            if both.campaign is not None:
                arrived = self._arrived(both.campaign.id, new)
                return (DuplicateRule.TAKEN if known in arrived else DuplicateRule.REJECTED_SINGLY), both
            return (DuplicateRule.REJECTED_WHOLE if both.reference_ids_taken else DuplicateRule.UNKNOWN), both
        alone = self.send([(self._phones[0], known)])
        if alone.campaign is not None:
            arrived = self._arrived(alone.campaign.id, known)
            return (DuplicateRule.TAKEN if known in arrived else DuplicateRule.REJECTED_SINGLY), alone
        return (DuplicateRule.REJECTED if alone.reference_ids_taken else DuplicateRule.UNKNOWN), alone

    def _arrived(self, bsg_id: int, awaited: str) -> set[str | None]:
        """Return the reference ids of a BSG campaign, once `awaited` is among them or the time is over."""
        begun = clock.monotonic()
        _seconds_until(begun, lambda: awaited in self._reference_ids_of(bsg_id))
        return self._reference_ids_of(bsg_id)

    def _reference_ids_of(self, bsg_id: int) -> set[str | None]:
        return {
            row.reference_id for row in self._runtime.client.messages(campaign_id=bsg_id) if row.campaign_id == bsg_id
        }

    def is_listed(self, outcome: Outcome) -> bool:
        now = self._runtime.ledger.due_indexes.now()
        listed = self._runtime.client.campaigns(now - ZONE_MARGIN, now + ZONE_MARGIN)
        return outcome.campaign is not None and any(one.id == outcome.campaign.id for one in listed)

    def is_visible(self, reference_id: str) -> bool:
        rows = self._runtime.client.messages(reference_id=reference_id)
        return any(row.reference_id == reference_id for row in rows)

    def stop_by_state(self, outcome: Outcome) -> tuple[bool | None, bool | None]:
        """Stop a campaign as early as possible. Return whether BSG did so in `creation` and in `scheduled`."""
        if outcome.campaign is None:
            return None, None
        taken: dict[str, bool] = {}
        stop_at = clock.monotonic() + MAX_WAIT_SECONDS
        status = outcome.campaign.status
        while status not in FINAL and clock.monotonic() < stop_at:
            with _unanswered_is_nothing():
                stopped = self._runtime.client.stop(outcome.campaign.id) is not None
                # If the same state refused a stop before, the state has changed since it was read.
                taken.setdefault("scheduled" if stopped and status in taken else status, stopped)
                before, status = status, self._runtime.client.campaign(outcome.campaign.id).status
                if status == before:
                    clock.sleep(PAUSE_SECONDS)
        return taken.get("creation"), taken.get("scheduled")

    @contextmanager
    def stopping_all(self, report: Report) -> Iterator[None]:
        """Stop every campaign of the trial at the end, in any case. `running` keeps those that BSG did not stop."""
        try:
            yield
        except ReadFailed as failure:
            raise CalibrationFailed(f"BSG did not respond: {failure.cause}") from None
        finally:
            stop_at = clock.monotonic() + MAX_WAIT_SECONDS
            while self.running and clock.monotonic() < stop_at:
                self.running = [bsg_id for bsg_id in self.running if not self._stopped(bsg_id)]
                if self.running:
                    report("waiting until BSG takes the stops")
                    clock.sleep(PAUSE_SECONDS)

    def _stopped(self, bsg_id: int) -> bool:
        with _unanswered_is_nothing():
            self._runtime.client.stop(bsg_id)
            return self._runtime.client.campaign(bsg_id).status in FINAL
        return False


@contextmanager
def _unanswered_is_nothing() -> Iterator[None]:
    """Ignore that BSG does not respond: the caller asks again, for a bounded time."""
    try:
        yield
    except ReadFailed:
        clock.sleep(PAUSE_SECONDS)


def _seconds_until(begun: float, seen: Callable[[], bool]) -> float | None:
    """Return how many seconds after `begun` the function `seen` returned True; None after MAX_WAIT_SECONDS."""
    while clock.monotonic() - begun < MAX_WAIT_SECONDS:
        with _unanswered_is_nothing():
            if seen():
                return round(clock.monotonic() - begun, 1)
        clock.sleep(PAUSE_SECONDS)
    return None


def _minutes_east(campaign: CampaignResponse, now: datetime) -> int | None:
    if campaign.created_at is None:
        return None
    off = campaign.created_at.replace(tzinfo=UTC) - now
    return round(off.total_seconds() / 60 / QUARTER) * QUARTER


def _ask_at_the_limit(runtime: Runtime, sender: str, phone: int) -> tuple[float, int, int]:
    """Ask for prices, which is free, for a second at the rate limit. Count the requests that BSG throttles."""
    limit = runtime.account.bsg_rate_limit
    rate = limit.amount / limit.per_seconds
    requests = max(1, min(MAX_REQUESTS, int(rate)))
    client = BSGClient.connected(runtime.account, runtime.redis)

    def is_throttled(number: int) -> bool:
        clock.sleep(number / rate)
        try:
            client.price(sender=sender, text=TEXT, phones=[phone], tariff_code=0)
        except ReadFailed as failure:
            return failure.throttled
        return False

    with ThreadPoolExecutor(requests) as threads:
        return rate, requests, sum(threads.map(is_throttled, range(requests)))
