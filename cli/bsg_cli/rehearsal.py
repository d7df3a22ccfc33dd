"""What a campaign would come to: the very checks and batches of a worker, with nothing sent or stored."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import zstandard

from bsg_cli.printing import messages, number, print_table
from bsg_config.settings import Settings
from bsg_producer import rules
from bsg_producer.campaign_ids import new_campaign_id
from bsg_producer.columns import pack, unpack
from bsg_producer.envelope import Envelope
from bsg_producer.preparation import Prepared, prepare
from bsg_producer.template import Template

REJECTS_SHOWN = 20
CHARACTERS_SHOWN = 20


@dataclass(slots=True)
class Alphabet:
    """Messages of one encoding, and the segments that they take."""

    messages: int = 0
    segments: int = 0


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that would not be sent. `line`: where it begins in the file."""

    line: int
    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PricedAlike:
    """What BSG's price may depend on, save the phones: messages that have it all in common."""

    sender: str
    tariff_code: int
    is_gsm: bool
    segments: int


@dataclass(slots=True)
class Rehearsal:
    """`ucs2_characters`: in how many messages each character is that GSM-7 does not have.

    `priced_alike`: a text of each such group, and its phones.
    """

    accepted: int = 0
    batches: int = 0
    gsm7: Alphabet = field(default_factory=Alphabet)
    ucs2: Alphabet = field(default_factory=Alphabet)
    ucs2_characters: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    first_rejects: list[RejectedRow] = field(default_factory=list)
    priced_alike: dict[PricedAlike, tuple[str, array[int]]] = field(default_factory=dict, repr=False)

    @property
    def sent(self) -> int:
        return self.gsm7.messages + self.ucs2.messages


def rehearse(rows: Iterable[Mapping[str, Any]], line: Callable[[], int], envelope: Envelope) -> Rehearsal:
    """Prepares the rows as a worker would. `line`: where the row that was read last begins."""
    rehearsal = Rehearsal()
    template = None if envelope.text is None else Template.parse(envelope.text)
    campaign_id = new_campaign_id()
    lines = array("q")
    numbered = _numbered(rows, line, lines)
    while part := list(islice(numbered, envelope.batch_size)):
        prepared = prepare(
            unpack(pack(part, template).content),
            envelope,
            campaign_id=campaign_id,
            first_index=rehearsal.accepted,
            batch_size=envelope.batch_size,
        )
        _count(rehearsal, prepared, rehearsal.accepted, lines, envelope.tariff_code)
        rehearsal.accepted += len(part)
        del lines[:]
    return rehearsal


def least_seconds(rehearsal: Rehearsal, settings: Settings) -> float:
    """How long the requests take at least under BSG_RATE_LIMIT, when nothing else is sent."""
    return max(0, rehearsal.batches - settings.bsg_rate_burst) * settings.bsg_rate_limit.interval_ms / 1000


def as_fields(rehearsal: Rehearsal, settings: Settings) -> dict[str, object]:
    """For programs."""
    return {
        "accepted": rehearsal.accepted,
        "sent": rehearsal.sent,
        "batches": rehearsal.batches,
        "rejected": dict(rehearsal.rejected.most_common()),
        "first_rejects": rehearsal.first_rejects,
        "segments": {"gsm7": rehearsal.gsm7, "ucs2": rehearsal.ucs2},
        "ucs2_characters": dict(rehearsal.ucs2_characters.most_common(CHARACTERS_SHOWN)),
        "seconds_at_least": least_seconds(rehearsal, settings),
    }


def print_rehearsal(rehearsal: Rehearsal, shown: str, settings: Settings) -> None:
    """For people."""
    seconds = least_seconds(rehearsal, settings)
    print(f"Nothing was sent or stored. {messages(rehearsal.accepted)} of {shown} would be accepted:")
    print(f"  to be sent   {number(rehearsal.sent)} in {number(rehearsal.batches)} batches, which take {seconds:.1f} s")
    print(f"               or more under the rate limit of {settings.bsg_rate_limit}")
    print(f"  rejected     {number(rehearsal.rejected.total())}")
    for code, times in rehearsal.rejected.most_common():
        print(f"    {code:<24} {number(times)}")
    print_table(
        ("alphabet", "messages", "segments"),
        [
            (name, number(alphabet.messages), number(alphabet.segments))
            for name, alphabet in (("GSM-7", rehearsal.gsm7), ("UCS-2", rehearsal.ucs2))
        ],
    )
    if rehearsal.ucs2_characters:
        told = [
            f"{_shown(one)} in {number(times)}"
            for one, times in rehearsal.ucs2_characters.most_common(CHARACTERS_SHOWN)
        ]
        print(f"UCS-2 because of {', '.join(told)}")
    for reject in rehearsal.first_rejects:
        place = f" {reject.field}:" if reject.field else ""
        print(f"{shown}, line {reject.line}:{place} {reject.message}")
    if (more := rehearsal.rejected.total() - len(rehearsal.first_rejects)) > 0:
        print(f"… and {number(more)} more")


def _numbered(
    rows: Iterable[Mapping[str, Any]], line: Callable[[], int], lines: array[int]
) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        lines.append(line())
        yield row


def _count(rehearsal: Rehearsal, prepared: Prepared, first_index: int, lines: array[int], tariff_code: int) -> None:
    rehearsal.batches += len(prepared.batches)
    for batch in prepared.batches:
        for message in json.loads(zstandard.ZstdDecompressor().decompress(batch.body)):
            text = message["text"]
            others = set(text) - rules.GSM_ALPHABET
            alphabet = rehearsal.ucs2 if others else rehearsal.gsm7
            alphabet.messages += 1
            segments = rules.segments(text)
            alphabet.segments += segments
            alike = PricedAlike(message["sender"], message.get("tariff_code", tariff_code), not others, segments)
            rehearsal.priced_alike.setdefault(alike, (text, array("Q")))[1].append(message["phone"])
            rehearsal.ucs2_characters.update(others)
    for reject in prepared.rejects:
        rehearsal.rejected[reject.code.value] += 1
        if len(rehearsal.first_rejects) < REJECTS_SHOWN:
            rehearsal.first_rejects.append(
                RejectedRow(lines[reject.index - first_index], reject.field, reject.code.value, reject.message)
            )


def _shown(character: str) -> str:
    point = f"U+{ord(character):04X}"
    return f"{character} ({point})" if character.isprintable() else point
