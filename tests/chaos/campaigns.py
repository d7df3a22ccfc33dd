"""What the producers enqueue: by seed, so that the checker knows every message without a copy of any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_messages.priority import Priority

SecondThoughts = Literal["none", "cancel", "pause", "suppress"]

SECOND_THOUGHTS: tuple[SecondThoughts, ...] = ("none", "cancel", "pause", "suppress")

KEYS = {DEFAULT_ACCOUNT: "live_sandbox", "second": "live_second"}  # of the accounts at BSG, by name

SIZES = (1, 2, 3, 20, 99, 100, 101, 180, 350, 600)
SIZE_WEIGHTS = (6, 3, 3, 5, 2, 2, 2, 4, 3, 1)
INDEX_DIGITS = 4
NUMBER_DIGITS = 6
PHONE_PREFIX = 380
BAD_ROW_EVERY = 41


@dataclass(frozen=True, slots=True)
class ChaosCampaign:
    """One campaign of one producer. No other has any of its phones, so that an arrival names its message.

    `second_thoughts`: what the web app does soon after it has the receipt: suppress is for every other phone. A pause
    is lifted at the end of the run.
    """

    producer: int
    number: int
    size: int
    priority: Priority
    templated: bool
    own_reference_ids: bool
    deadline_seconds: float | None
    given_up_after_failure: bool
    second_thoughts: SecondThoughts
    account: str

    @classmethod
    def drawn(cls, seed: int, producer: int, number: int) -> ChaosCampaign:
        chance = Random(f"{seed}: campaign {producer} {number}")
        return cls(
            producer=producer,
            number=number,
            size=chance.choices(SIZES, SIZE_WEIGHTS)[0],
            priority=chance.choice(("high", "normal", "normal", "low")),
            templated=chance.random() < 0.5,
            own_reference_ids=chance.random() < 0.3,
            deadline_seconds=chance.uniform(2, 20) if chance.random() < 0.1 else None,
            given_up_after_failure=chance.random() < 0.25,
            second_thoughts=chance.choices(SECOND_THOUGHTS, (16, 1, 1, 1))[0],
            account=chance.choices(tuple(KEYS), (3, 1))[0],
        )

    @classmethod
    def named(cls, seed: int, key: str) -> ChaosCampaign:
        """Return the campaign with that idempotency key. Raise ValueError for a key that is none of ours."""
        _, producer, number = key.split("-")
        return cls.drawn(seed, int(producer), int(number))

    @property
    def key(self) -> str:
        """The idempotency key, which is the campaign's name too."""
        return f"chaos-{self.producer}-{self.number}"

    @property
    def text(self) -> str | None:
        return "Hi {{ name }}, your code is {{ code }}" if self.templated else None

    def phone(self, index: int) -> int:
        digits = f"{PHONE_PREFIX}{self.producer}{self.number:0{NUMBER_DIGITS}}{index:0{INDEX_DIGITS}}"
        return int(digits)

    def opting_out(self) -> list[int]:
        """Return who of it opts out, where the web app's second thoughts are that: every other one."""
        return [self.phone(index) for index in range(0, self.size, 2)]

    def is_bad(self, index: int) -> bool:
        """Return whether the message breaks a rule, so that it must become a reject."""
        return index % BAD_ROW_EVERY == BAD_ROW_EVERY - 1

    def messages(self) -> Iterator[Mapping[str, Any]]:
        for index in range(self.size):
            message: dict[str, Any] = {"phone": "12" if self.is_bad(index) else self.phone(index)}
            if self.templated:
                message |= {"name": f"Олена {index}" if index % 3 else f"Ann {index}", "code": index}
            else:
                message["text"] = f"Your code is {index}"
            if self.own_reference_ids:
                message["reference_id"] = f"own{self.producer}x{self.number}x{index}"
            yield message
