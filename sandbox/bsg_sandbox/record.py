"""What arrived, per recipient and per reference id: what a test of "once and only once" asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from bsg_sandbox.campaigns import Campaign


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts that cost little to ask for, however many messages arrived.

    `distinct_messages` counts pairs of phone and text, `repeated_messages` those of them that arrived more
    than once. `requests` counts the POSTs that were kept, `body_bytes` their size. In sink mode only
    `campaigns`, `messages`, `requests` and `body_bytes` are counted.
    """

    campaigns: int = 0
    messages: int = 0
    distinct_references: int = 0
    distinct_messages: int = 0
    repeated_messages: int = 0
    repeated_references: int = 0
    dropped_messages: int = 0
    requests: int = 0
    body_bytes: int = 0
    most_requests_at_once: int = 0

    def to_json(self) -> dict[str, int]:
        """Return the counts as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Summary:
        """Read what `to_json` wrote."""
        return cls(**document)


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that arrived.

    `campaigns`: id, size, key, created_at (seconds since 1970, of the sandbox's clock), status, start_at,
    sender, name, tariff_code, validity. `recipients`: phone -> ids of the campaigns in which it arrived, once
    for each message. `duplicates`: phone, campaign ids and times of each (phone, text) that arrived more than
    once. `by_reference`: reference id -> campaign ids.
    """

    messages: int
    campaigns: list[dict[str, Any]] = field(repr=False)
    recipients: dict[int, list[int]] = field(repr=False)
    duplicates: list[dict[str, Any]] = field(repr=False)
    by_reference: dict[str, list[int]] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object, not copied; `json` makes strings of the phones."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Record:
        """Read what `to_json` wrote."""
        recipients = {int(phone): ids for phone, ids in document["recipients"].items()}
        return cls(**{**document, "recipients": recipients})


@dataclass(frozen=True, slots=True)
class Arrival:
    """A campaign that arrived, with its messages as columns. `created_at` is as in the record."""

    id: int
    created_at: float
    phones: list[int] = field(repr=False)
    references: list[str | None] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the campaign as a JSON object, its columns not copied."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Arrival:
        """Read what `to_json` wrote."""
        return cls(**document)


class Tally:
    """Counts as messages arrive, so that a summary needs no look at them again."""

    def __init__(self) -> None:
        self.messages = 0
        self.campaigns = 0
        self.dropped = 0
        self.body_bytes = 0
        self.requests = 0
        self._seen: set[int] = set()
        self._repeated: set[int] = set()
        self._reference_arrivals = 0

    def add(self, phones: Iterable[int], texts: list[str], references: int) -> None:
        """Count a campaign's messages, and how many of them have a reference id."""
        # Hashes of 64 bits instead of the pairs: a million of them collide once in 30 million runs.
        arrived = list(map(hash, zip(phones, texts, strict=True)))
        distinct = set(arrived)
        if len(distinct) < len(arrived):
            once: set[int] = set()
            self._repeated.update(pair for pair in arrived if pair in once or once.add(pair))  # type: ignore[func-returns-value]
        if not distinct.isdisjoint(self._seen):
            self._repeated |= distinct & self._seen
        self._seen |= distinct
        self.messages += len(arrived)
        self.campaigns += 1
        self._reference_arrivals += references

    def repeated(self) -> frozenset[int]:
        """Return the hash of each pair of phone and text that arrived more than once."""
        return frozenset(self._repeated)

    def count_only(self, messages: int) -> None:
        """Count a campaign of which nothing is kept."""
        self.messages += messages
        self.campaigns += 1

    def summary(self, distinct_references: int, most_at_once: int) -> Summary:
        """Return the counts so far."""
        return Summary(
            campaigns=self.campaigns,
            messages=self.messages,
            distinct_references=distinct_references,
            distinct_messages=len(self._seen),
            repeated_messages=len(self._repeated),
            repeated_references=self._reference_arrivals - distinct_references,
            dropped_messages=self.dropped,
            requests=self.requests,
            body_bytes=self.body_bytes,
            most_requests_at_once=most_at_once,
        )


def every_arrival(page_after: Callable[[int], Sequence[Arrival]], after: int) -> Iterator[Arrival]:
    """Go through the pages, each of which is asked for by the id that it comes after."""
    while page := page_after(after):
        yield from page
        after = page[-1].id


def arrival_of(campaign: Campaign) -> Arrival:
    """Return a campaign as it arrived."""
    return Arrival(campaign.id, campaign.timeline.created_at, list(campaign.phones), campaign.references)


def full_record(campaigns: list[Campaign], repeated: frozenset[int], now: float) -> Record:
    """Look at every message that was kept; takes seconds for a million.

    `repeated` has the hash of each pair of phone and text that arrived more than once.
    """
    recipients: dict[int, list[int]] = {}
    by_reference: dict[str, list[int]] = {}
    arrivals: dict[tuple[int, str], list[int]] = {}
    for campaign in campaigns:
        texts = campaign.texts.all()
        for phone, text, reference in zip(campaign.phones, texts, campaign.references, strict=True):
            recipients.setdefault(phone, []).append(campaign.id)
            if repeated and hash((phone, text)) in repeated:
                arrivals.setdefault((phone, text), []).append(campaign.id)
            if reference is not None:
                by_reference.setdefault(reference, []).append(campaign.id)
    return Record(
        messages=sum(campaign.size for campaign in campaigns),
        campaigns=[
            {
                "id": campaign.id,
                "size": campaign.size,
                "key": campaign.key,
                "created_at": campaign.timeline.created_at,
                "status": campaign.status(now),
                "start_at": campaign.start_at,
                "sender": campaign.sender,
                "name": campaign.name,
                "tariff_code": campaign.tariff_code,
                "validity": campaign.validity,
            }
            for campaign in campaigns
        ],
        recipients=recipients,
        duplicates=[
            {"phone": phone, "campaigns": ids, "times": len(ids)}
            for (phone, _), ids in arrivals.items()
            if len(ids) > 1
        ],
        by_reference=by_reference,
    )
