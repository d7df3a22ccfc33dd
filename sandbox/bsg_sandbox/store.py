"""The campaigns that were accepted, and the reference ids that they have taken."""

from __future__ import annotations

import hashlib
import threading
from array import array
from bisect import bisect_right
from dataclasses import replace

from bsg_sandbox.accounts import Account, Accounts
from bsg_sandbox.campaigns import Campaign, TextColumn, Timeline, senders_column
from bsg_sandbox.clock import format_bsg_time
from bsg_sandbox.record import Arrival, Record, Summary, Tally, arrival_of, full_record
from bsg_sandbox.responses import DUPLICATE_NOTICE, Refused, invalid, message_response, old_style
from bsg_sandbox.settings import SandboxSettings
from bsg_sandbox.texts import segments_of_all
from bsg_sandbox.validation import Draft

FIRST_CAMPAIGN_ID = 1_000_001
FIRST_MESSAGE_ID = 500_000_001
ARRIVED_MESSAGES_AT_ONCE = 20_000
TAKEN = "The reference id has already been taken."


class Store:
    """The campaigns that were accepted. Threads may share it. Times are in seconds since 1970."""

    def __init__(self) -> None:
        self._campaigns: list[Campaign] = []
        self._first_messages: list[int] = []
        self._next_message = FIRST_MESSAGE_ID
        self._references: dict[str, Campaign] = {}
        self._earlier: dict[str, list[Campaign]] = {}
        self._bodies: dict[bytes, float] = {}
        self._tally = Tally()
        self._lock = threading.Lock()

    def keep(
        self,
        draft: Draft,
        account: Account,
        accounts: Accounts,
        now: float,
        settings: SandboxSettings,
        duplicates: str,
    ) -> Campaign:
        """Accept a campaign. Raise Refused for reference ids that are taken, and for lack of funds.

        `duplicates`: what happens to reference ids that are taken, as in `SandboxSettings`.
        """
        segments = segments_of_all(draft.texts)
        is_spam = any(settings.spam_word in text for text in draft.texts) if settings.spam_word else False
        with self._lock:
            size = len(draft.phones)
            if duplicates != "allow":
                draft = self._without_taken(draft, now, settings, drop=duplicates == "drop_singly")
                if len(draft.phones) < size:
                    self._tally.dropped += size - len(draft.phones)
                    segments = segments_of_all(draft.texts)
            price, size = round(segments * settings.price_per_segment, 6), len(draft.phones)
            paid = accounts.charge(account, price, size, partly=settings.funds == "as_sent")
            if size > 0 and paid == 0:
                raise Refused(old_style(8))
            campaign = self._campaign(draft, account.key, price, is_spam, now, settings)
            campaign.unpaid = size - paid
            self._append(campaign)
            self._take_references(campaign)
            with_reference = len(draft.references) - draft.references.count(None)
            self._tally.add(draft.phones, draft.texts, with_reference)
            return campaign

    def count_only(self, messages: int, key: str, now: float, settings: SandboxSettings) -> Campaign:
        """Count a campaign of so many messages without storing them."""
        with self._lock:
            empty = Draft([], [], ["sink"], [], 0, 72, None)
            campaign = self._campaign(empty, key, 0.0, False, now, settings)
            campaign.counted_only = messages
            self._append(campaign)
            self._tally.count_only(messages)
            return campaign

    def note_body(self, size: int) -> None:
        """Count a POST that created a campaign, and its size in bytes."""
        with self._lock:
            self._tally.requests += 1
            self._tally.body_bytes += size

    def note_dropped(self, messages: int) -> None:
        """Count messages that were reported as taken and thrown away."""
        with self._lock:
            self._tally.dropped += messages

    def refuse_repeated_request(self, key: str, path: str, body: bytes, now: float, window: float) -> None:
        """Raise Refused with BSG's 429 if an account has just sent the same body to the same path.

        `window`: for how many seconds that counts.
        """
        digest = hashlib.blake2b(f"{key} {path} ".encode() + body, digest_size=16).digest()
        with self._lock:
            before, self._bodies[digest] = self._bodies.get(digest), now
        if before is not None and now - before < window:
            raise Refused(message_response(429, DUPLICATE_NOTICE))

    def campaigns_of(self, key: str) -> list[Campaign]:
        """Return the campaigns of the account with this key, oldest first."""
        return [campaign for campaign in self._campaigns if campaign.key == key]

    def campaign(self, campaign_id: int, key: str | None) -> Campaign | None:
        """Return a campaign of the account with this key (None: of any account); None if there is none."""
        position = campaign_id - FIRST_CAMPAIGN_ID
        if not 0 <= position < len(self._campaigns):
            return None
        campaign = self._campaigns[position]
        return campaign if key is None or campaign.key == key else None

    def with_reference(self, reference: str) -> list[Campaign]:
        """Return the campaigns in which a reference id arrived, oldest first."""
        newest = self._references.get(reference)
        return [] if newest is None else [*self._earlier.get(reference, []), newest]

    def with_message(self, message_id: int) -> Campaign | None:
        """Return the campaign of a message by the message's id; None for an unknown id."""
        position = bisect_right(self._first_messages, message_id) - 1
        if position < 0:
            return None
        campaign = self._campaigns[position]
        return campaign if message_id < campaign.first_message_id + len(campaign.phones) else None

    def summary(self, most_at_once: int) -> Summary:
        """Return counts of what arrived."""
        with self._lock:
            return self._tally.summary(len(self._references), most_at_once)

    def record(self, now: float) -> Record:
        """Return everything that arrived."""
        with self._lock:
            campaigns, repeated = list(self._campaigns), self._tally.repeated()
        return full_record(campaigns, repeated, now)

    def arrivals(self, after: int) -> list[Arrival]:
        """Return the next campaigns after this id, oldest first; [] at the end.

        They have 20 000 messages at most, or are one campaign.
        """
        page: list[Arrival] = []
        messages = 0
        for index in range(max(0, after + 1 - FIRST_CAMPAIGN_ID), len(self._campaigns)):
            campaign = self._campaigns[index]
            messages += len(campaign.phones)
            if page and messages > ARRIVED_MESSAGES_AT_ONCE:
                break
            page.append(arrival_of(campaign))
        return page

    def _without_taken(self, draft: Draft, now: float, settings: SandboxSettings, *, drop: bool) -> Draft:
        taken = self._taken_rows(draft.references, now, settings.reference_memory)
        if not taken:
            return draft
        if not drop or len(taken) == len(draft.phones):
            raise Refused(invalid({f"messages.{row}.reference_id": [TAKEN] for row in taken}))
        return without_rows(draft, frozenset(taken))

    def _taken_rows(self, references: list[str | None], now: float, memory: float) -> list[int]:
        distinct = set(references)
        distinct.discard(None)
        named = len(references) - references.count(None)
        if len(distinct) == named and self._references.keys().isdisjoint(distinct):
            return []
        rows: list[int] = []
        here: set[str] = set()
        for row, reference in enumerate(references):
            if reference is None:
                continue
            holder = self._references.get(reference)
            held = holder is not None and (memory == 0 or now - holder.timeline.created_at < memory)
            if held or reference in here:
                rows.append(row)
            here.add(reference)
        return rows

    def _campaign(
        self, draft: Draft, key: str, price: float, is_spam: bool, now: float, settings: SandboxSettings
    ) -> Campaign:
        campaign_id = FIRST_CAMPAIGN_ID + len(self._campaigns)
        return Campaign(
            id=campaign_id,
            key=key,
            name=draft.name or f"SMS api campaign / {format_bsg_time(now, settings.zone_offset_hours)}",
            timeline=Timeline.plan(now, draft.start_at, len(draft.phones), is_spam, settings),
            start_at=draft.start_at,
            phones=array("Q", draft.phones),
            texts=TextColumn(draft.texts),
            senders=senders_column(draft.senders),
            references=draft.references,
            first_message_id=self._next_message,
            tariff_code=draft.tariff_code,
            validity=draft.validity,
            price=price,
            currency=settings.currency,
            seed=settings.seed,
            delivery_seconds=settings.delivery_seconds,
            undelivered_share=settings.undelivered_share,
            callback_url=draft.callback_url,
        )

    def _append(self, campaign: Campaign) -> None:
        self._first_messages.append(campaign.first_message_id)
        self._campaigns.append(campaign)
        self._next_message += len(campaign.phones)

    def _take_references(self, campaign: Campaign) -> None:
        named = {reference for reference in campaign.references if reference is not None}
        for reference in self._references.keys() & named:
            self._earlier.setdefault(reference, []).append(self._references[reference])
        self._references.update(dict.fromkeys(named, campaign))


def without_rows(draft: Draft, rows: frozenset[int]) -> Draft:
    """Return a draft without these rows."""
    kept = [row for row in range(len(draft.phones)) if row not in rows]
    return replace(
        draft,
        phones=[draft.phones[row] for row in kept],
        texts=[draft.texts[row] for row in kept],
        senders=[draft.senders[row] for row in kept],
        references=[draft.references[row] for row in kept],
    )
