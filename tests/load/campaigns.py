"""What the load is made of: by seed, so that the checker knows every message without a copy of any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from math import exp, log
from random import Random
from typing import Any

SMALL_SIZES = (1, 50)
MEDIUM_SIZES = (100, 900)
LARGE_SIZES = (10_000, 100_000)
MEDIUM_SHARE = 0.05  # of the campaigns
LAST_MOMENT = 0.97  # of the bulk: the last small campaigns still meet large ones that are being sent
TRIED_TWICE_SHARE = 0.1
BAD_ROW_EVERY = 997
INDEX_DIGITS = 6
NUMBER_DIGITS = 5
PHONE_PREFIX = 380
SCATTER = 387_137  # prime to 10: each index has a number of its own, far from its neighbour's, as real phones are
NAMES = ("Olena", "Andriy", "Iryna", "Maksym", "Kateryna", "Yuriy", "Svitlana", "Bohdan", "Tetiana", "Dmytro", "Ann")


class SizeClass(StrEnum):
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class TooFewMessages(ValueError):
    """The messages do not suffice for so many campaigns of mixed sizes."""


@dataclass(frozen=True, slots=True)
class LoadCampaign:
    """One campaign. No other has any of its phones, so that an arrival names its message.

    `starts_at`: the share of the bulk (all campaigns that are not small) that has arrived at BSG when a small one is
    enqueued. `tried_twice`: the web app tries again with the same key, as after a response that it lost.
    """

    number: int
    size_class: SizeClass
    size: int
    starts_at: float
    templated: bool
    tried_twice: bool

    @property
    def key(self) -> str:
        """The idempotency key, which is the campaign's name too."""
        return f"load-{self.number}"

    @property
    def text(self) -> str | None:
        return "Dear {{ name }}, your order {{ code }} is ready for collection until Friday" if self.templated else None

    def phone(self, index: int) -> int:
        scattered = index * SCATTER % 10**INDEX_DIGITS
        return int(f"{PHONE_PREFIX}{self.number:0{NUMBER_DIGITS}}{scattered:0{INDEX_DIGITS}}")

    def is_bad(self, index: int) -> bool:
        """Return whether the message breaks a rule, so that it must become a reject."""
        return index % BAD_ROW_EVERY == BAD_ROW_EVERY - 1

    @property
    def bad_rows(self) -> int:
        return self.size // BAD_ROW_EVERY

    def messages(self) -> Iterator[Mapping[str, Any]]:
        chance = Random(self.number)
        for index in range(self.size):
            phone: Any = "12" if self.is_bad(index) else self.phone(index)
            name, code = chance.choice(NAMES), f"{chance.getrandbits(32):08X}"
            if self.templated:
                yield {"phone": phone, "name": name, "code": code}
            else:
                yield {"phone": phone, "text": f"{name}, your order {code} is on its way: we call before we come"}


def message_of(phone: int) -> tuple[int, int]:
    """Return the campaign's number and the message's index behind a phone of `LoadCampaign.phone`."""
    digits = str(phone).removeprefix(str(PHONE_PREFIX))
    scattered = int(digits[NUMBER_DIGITS:])
    return int(digits[:NUMBER_DIGITS]), scattered * pow(SCATTER, -1, 10**INDEX_DIGITS) % 10**INDEX_DIGITS


def drawn(seed: int, *, messages: int, campaigns: int) -> list[LoadCampaign]:
    """Campaigns of exactly so many messages: the large and the medium ones first, then the small ones by starts_at.

    Raise TooFewMessages.
    """
    chance = Random(f"{seed}: load")
    sizes = _sizes(chance, messages, campaigns)
    small = sum(size_class is SizeClass.SMALL for size_class, _ in sizes)
    times = iter(sorted(chance.uniform(0, LAST_MOMENT) for _ in range(small)))
    return [
        LoadCampaign(
            number=number,
            size_class=size_class,
            size=size,
            starts_at=next(times) if size_class is SizeClass.SMALL else 0.0,
            templated=chance.random() < 0.5,
            tried_twice=chance.random() < TRIED_TWICE_SHARE,
        )
        for number, (size_class, size) in enumerate(sizes)
    ]


def bulk(campaigns: Sequence[LoadCampaign]) -> int:
    """Return the messages of all campaigns that are not small."""
    return sum(campaign.size for campaign in campaigns if campaign.size_class is not SizeClass.SMALL)


def _sizes(chance: Random, messages: int, campaigns: int) -> list[tuple[SizeClass, int]]:
    medium = [chance.randint(*MEDIUM_SIZES) for _ in range(round(campaigns * MEDIUM_SHARE))]
    left = messages - sum(medium) - (campaigns - len(medium)) * sum(SMALL_SIZES) // 2
    weights = [_log_uniform(chance)]
    while sum(weights) < left:
        weights.append(_log_uniform(chance))
    small = [chance.randint(*SMALL_SIZES) for _ in range(campaigns - len(medium) - len(weights))]
    left = messages - sum(medium) - sum(small)
    if campaigns < len(weights) or left < len(weights) * MEDIUM_SIZES[1]:
        raise TooFewMessages(
            f"{messages} messages are too few for {campaigns} campaigns: give 100 times as many or more"
        )
    bulk_sizes = [(SizeClass.LARGE, size) for size in _scaled(weights, left)]
    bulk_sizes += [(SizeClass.MEDIUM, size) for size in medium]
    chance.shuffle(bulk_sizes)
    return bulk_sizes + [(SizeClass.SMALL, size) for size in small]


def _log_uniform(chance: Random) -> float:
    """As sizes of real campaigns are: as many between 10 000 and 20 000 as between 50 000 and 100 000."""
    return exp(chance.uniform(*map(log, LARGE_SIZES)))


def _scaled(weights: Sequence[float], total: int) -> list[int]:
    """Whole numbers in these proportions whose sum is the total."""
    ends = [round(total * reached / sum(weights)) for reached in accumulate(weights)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]
