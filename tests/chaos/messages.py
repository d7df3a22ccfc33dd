"""What web apps send through streams: by seed, so that the checker knows every message without a copy of any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_producer import Producer, Stream
from bsg_producer.streams.sending import Sending
from tests.chaos.campaigns import PHONE_PREFIX

SecondThoughts = Literal["none", "suppress first", "suppress", "give up"]

SECOND_THOUGHTS: tuple[SecondThoughts, ...] = ("none", "suppress first", "suppress", "give up")
SECOND_THOUGHTS_WEIGHTS = (14, 1, 1, 4)

NUMBER_DIGITS = 10
BAD_SHARE = 1 / 41

STREAMS: Mapping[str, Mapping[str, Any]] = {
    "codes": {
        "sender": "MyShop",
        "text": "Hi {{ name }}, your code is {{ code }}",
        "priority": "high",
        "deadline": 20,
        "account": DEFAULT_ACCOUNT,
    },
    "orders": {"sender": "MyShop", "text": None, "max_wait": 0.5, "account": "second"},
}
STREAM_SHARES = (1, 3)  # each message of the first one takes a request

# As short as that, so that a stream has many campaigns in a run; also by their size, and by other options.
CAMPAIGN_SECONDS = 8.0
MESSAGES_A_CAMPAIGN = 100
OPTIONS_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ChaosMessage:
    """One message of one producer. No other has its phone, so that an arrival names it.

    `second_thoughts`: what its web app does: suppresses its phone before it sends it, or soon after it has the receipt,
    or gives up after the first failure.
    """

    producer: int
    number: int
    stream: str
    is_bad: bool = False
    own_reference_id: bool = False
    second_thoughts: SecondThoughts = "none"

    @classmethod
    def drawn(cls, seed: int, producer: int, number: int) -> ChaosMessage:
        chance = Random(f"{seed}: message {producer} {number}")
        return cls(
            producer=producer,
            number=number,
            stream=chance.choices(tuple(STREAMS), STREAM_SHARES)[0],
            is_bad=chance.random() < BAD_SHARE,
            own_reference_id=chance.random() < 0.3,
            second_thoughts=chance.choices(SECOND_THOUGHTS, SECOND_THOUGHTS_WEIGHTS)[0],
        )

    @property
    def key(self) -> str:
        return f"chaos-{self.producer}-{self.number}"

    @property
    def phone(self) -> int:
        return int(f"{PHONE_PREFIX}{self.producer}{self.number:0{NUMBER_DIGITS}}")

    @property
    def must_be_refused(self) -> bool:
        """Return whether sending it must raise `MessageInvalid`."""
        return self.is_bad or self.second_thoughts == "suppress first"

    def content(self) -> Mapping[str, Any]:
        message: dict[str, Any] = {"phone": "12" if self.is_bad else self.phone}
        if STREAMS.get(self.stream, {}).get("text") is None:
            message["text"] = f"Your code is {self.number}"
        else:
            message |= {"name": "Олена" if self.number % 3 else "Ann", "code": self.number}
        if self.own_reference_id:
            message["reference_id"] = f"own{self.producer}y{self.number}"
        return message

    def other_content(self) -> Mapping[str, Any]:
        """Return what another message under its key would have."""
        return {**self.content(), "text": "Another text", "code": "another"}


class OpenStreams:
    """The streams of a web app, which its threads share. Every half a minute a new version of it has other options."""

    def __init__(self, web_app: Producer) -> None:
        self._versions = {
            name: [
                with_short_campaigns(web_app.stream(name, validity=validity, **options), CAMPAIGN_SECONDS)
                for validity in ((24, 25) if options["text"] is None else (24,))
            ]
            for name, options in STREAMS.items()
        }

    def of(self, message: ChaosMessage, now: float) -> Stream:
        versions = self._versions[message.stream]
        return versions[int(now // OPTIONS_SECONDS) % len(versions)]


def with_short_campaigns(stream: Stream, seconds: float, messages: int = MESSAGES_A_CAMPAIGN) -> Stream:
    """Let each campaign of the stream take up messages for so long, and so many at most."""
    rules = replace(stream._rules, campaign_ms=round(seconds * 1000), messages_a_campaign=messages)
    stream._sending = Sending(stream._ledger, rules, stream._sending._options, stream._sending._cipher)
    return stream
