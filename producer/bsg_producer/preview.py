"""Preview a campaign with the checks that a worker makes. Nothing is sent or stored."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

import zstandard
from anyascii import anyascii

from bsg_config.account import Account
from bsg_messages import rules
from bsg_messages.campaign_ids import new_campaign_id
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.columns import pack, unpack
from bsg_messages.preparation import Prepared, SuppressedAmong, prepare
from bsg_messages.rejects import Reject
from bsg_messages.template import Template

REJECTS_KEPT = 1_000
MIN_SENDER_CHARACTERS = 3  # BSG: OpenAPI document, sender; the REST page allows fewer


@dataclass(frozen=True, slots=True)
class Encoded:
    """How many messages have an encoding, and how many segments they take together."""

    messages: int = 0
    segments: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """BSG's price for all messages. `requests`: how many requests it took. BSG: POST /api/campaigns/price."""

    amount: Decimal
    currency: str
    requests: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The result that a campaign's messages would have.

    `rejected` counts rejects by their code; `rejects` has the first 1 000 of them, each with the message's index.
    `transliterated`: how many messages BSG transliterates. Their encoding, characters and segments are estimates,
    because BSG's table is not public. `ucs2_characters`: for each character that GSM 03.38 lacks, how many messages
    contain it. `seconds_at_least`: how long the requests take under BSG_RATE_LIMIT if nothing else is sent.
    `warnings`: sentences about the senders. `price` is None unless it was requested.

    >>> preview = producer.preview([{"phone": 380661231231}], sender="MyShop", text="Total: 10 ₴")
    >>> preview.ucs2_characters, preview.seconds_at_least, preview.price
    ({'₴': 1}, 0.0, None)
    """

    accepted: int
    sent: int
    batches: int
    rejected: Mapping[str, int]
    rejects: Sequence[Reject]
    gsm7: Encoded
    ucs2: Encoded
    transliterated: int
    ucs2_characters: Mapping[str, int]
    seconds_at_least: float
    warnings: Sequence[str] = ()
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class PricedAlike:
    """What BSG's price may depend on, except the phones."""

    sender: str
    tariff_code: int
    is_gsm: bool
    segments: int


PriceGroups = Mapping[PricedAlike, tuple[str, Sequence[int]]]
"""One text and the phones of each group of messages that are priced alike."""


@dataclass(slots=True)
class Counts:
    """The counts so far. `phones`: whether to keep the phones, which only a price needs."""

    campaign_options: CampaignOptions
    with_phones: bool
    accepted: int = 0
    batches: int = 0
    transliterated: int = 0
    encoded: dict[bool, list[int]] = field(default_factory=lambda: {True: [0, 0], False: [0, 0]})
    ucs2_characters: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    senders: set[str] = field(default_factory=set)
    price_groups: dict[PricedAlike, tuple[str, array[int]]] = field(default_factory=dict, repr=False)

    def add(self, prepared: Prepared, messages: int) -> None:
        self.accepted += messages
        self.batches += len(prepared.batches)
        for batch in prepared.batches:
            for message in json.loads(zstandard.ZstdDecompressor().decompress(batch.body)):
                self._add_message(message)
        self.rejected.update(reject.code.value for reject in prepared.rejects)
        self.rejects += prepared.rejects[: max(0, REJECTS_KEPT - len(self.rejects))]

    def _add_message(self, message: Mapping[str, Any]) -> None:
        text, sender = message["text"], message["sender"]
        if message.get("transliterate"):
            self.transliterated += 1
            text = text if rules.is_gsm(text) else anyascii(text)
        others = set(text) - rules.GSM_ALPHABET
        segments = rules.segments(text)
        encoded = self.encoded[not others]
        encoded[0] += 1
        encoded[1] += segments
        self.ucs2_characters.update(others)
        self.senders.add(sender)
        if self.with_phones:
            alike = PricedAlike(
                sender, message.get("tariff_code", self.campaign_options.tariff_code), not others, segments
            )
            self.price_groups.setdefault(alike, (text, array("Q")))[1].append(message["phone"])

    def preview(self, account: Account, warnings: Sequence[str] = (), price: Price | None = None) -> Preview:
        gsm7, ucs2 = Encoded(*self.encoded[True]), Encoded(*self.encoded[False])
        requests_later = max(0, self.batches - account.bsg_rate_burst)
        return Preview(
            accepted=self.accepted,
            sent=gsm7.messages + ucs2.messages,
            batches=self.batches,
            rejected=dict(self.rejected.most_common()),
            rejects=self.rejects,
            gsm7=gsm7,
            ucs2=ucs2,
            transliterated=self.transliterated,
            ucs2_characters=dict(self.ucs2_characters.most_common()),
            seconds_at_least=requests_later * account.bsg_rate_limit.interval_ms / 1000,
            warnings=(*short_senders(self.senders), *warnings),
            price=price,
        )


def count(
    messages: Iterator[Mapping[str, Any]],
    campaign_options: CampaignOptions,
    *,
    suppressed: SuppressedAmong | None = None,
    with_phones: bool = False,
) -> Counts:
    """Prepare the messages as a worker would, chunk by chunk, and count the results."""
    counts = Counts(campaign_options, with_phones)
    template = None if campaign_options.text is None else Template.parse(campaign_options.text)
    campaign_id = new_campaign_id()
    while chunk := list(islice(messages, campaign_options.batch_size)):
        prepared = prepare(
            unpack(pack(chunk, template).content),
            campaign_options,
            campaign_id=campaign_id,
            first_index=counts.accepted,
            batch_size=campaign_options.batch_size,
            suppressed=suppressed,
        )
        counts.add(prepared, len(chunk))
    return counts


def short_senders(senders: Iterable[str]) -> list[str]:
    """Return a warning for each sender that is too short by BSG's document."""
    return [
        f"sender {sender!r}: it has fewer than {MIN_SENDER_CHARACTERS} characters, which BSG's API document does not "
        "allow: take a longer one, or ask BSG"
        for sender in sorted(senders)
        if len(sender) < MIN_SENDER_CHARACTERS
    ]
