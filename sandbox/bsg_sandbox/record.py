"""What arrived, by recipient and by reference id. A test reads here whether each message was sent exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from bsg_sandbox.campaigns import Campaign


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts that are as fast to read for any number of messages.

    `distinct_messages` counts pairs of phone and text, `repeated_messages` those pairs that arrived more than once.
    `repeated_references` counts the arrivals of a reference id after its first. `dropped_messages` were reported as
    taken and thrown away. `requests` counts the POSTs that created a campaign, and `body_bytes` their size. A sink
    counts only `campaigns`, `messages`, `requests` and `body_bytes`.
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
        """Parse what `to_json` returned."""
        return cls(**document)


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that arrived.

    `campaigns`: mappings with id, size, key, created_at (seconds since 1970, by the sandbox's clock), status, start_at,
    sender, name, tariff_code, validity (hours). `recipients`: by phone, the ids of the campaigns in which it arrived,
    once for each message. `duplicates`: phone, campaign ids and times of each pair of phone and text that arrived more
    than once. `by_reference`: by reference id, the campaign ids.
    """

    messages: int
    campaigns: list[dict[str, Any]] = field(repr=False)
    recipients: dict[int, list[int]] = field(repr=False)
    duplicates: list[dict[str, Any]] = field(repr=False)
    by_reference: dict[str, list[int]] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object, without a copy. `json` makes strings of the phones."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Record:
        """Parse what `to_json` returned."""
        recipients = {int(phone): ids for phone, ids in document["recipients"].items()}
        return cls(**{**document, "recipients": recipients})


@dataclass(frozen=True, slots=True)
class Arrival:
    """A campaign that arrived, with its messages as columns. `created_at` is in seconds since 1970."""

    id: int
    created_at: float
    phones: list[int] = field(repr=False)
    references: list[str | None] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the campaign as a JSON object, without a copy of its columns."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Arrival:
        """Parse what `to_json` returned."""
        return cls(**document)


class Tally:
    """Counts that grow as messages arrive, so that a summary does not read them again."""

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
        """Count a campaign's messages. `references`: how many of them have a reference id."""
        # Store hashes of 64 bits instead of the pairs: a million of them collide once in 30 million runs.
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
        """Count a campaign whose messages are not stored."""
        self.messages += messages
        self.campaigns += 1

    def summary(self, distinct_references: int, most_at_once: int) -> Summary:
        """Return the counts. `most_at_once`: the largest number of simultaneous requests."""
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
    """Yield the arrivals of all pages. `page_after` returns the page after a campaign's id, empty at the end."""
    while page := page_after(after):
        yield from page
        after = page[-1].id


def arrival_of(campaign: Campaign) -> Arrival:
    """Return a campaign as it arrived."""
    return Arrival(campaign.id, campaign.timeline.created_at, list(campaign.phones), campaign.references)


def full_record(campaigns: list[Campaign], repeated: frozenset[int], now: float) -> Record:
    """Return the record of campaigns. For a million messages this takes seconds.

    `repeated`: the hash of each pair of phone and text that arrived more than once.
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
