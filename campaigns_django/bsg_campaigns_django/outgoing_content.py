"""What an outgoing row holds: its messages as a chunk would have them, and the options as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from bsg_config import clock
from bsg_config.settings import Settings
from bsg_messages.body_cipher import BodyCipher
from bsg_messages.columns import MARKS, kept_values
from bsg_messages.errors import CampaignInvalid
from bsg_messages.rejects import Violation
from bsg_messages.template import Template
from bsg_producer import Producer
from bsg_producer.campaign_arguments import check_options
from bsg_producer.enqueueing import iterate
from bsg_producer.typed_messages import MessageLike, as_mapping, as_mappings


@dataclass(frozen=True, slots=True, repr=False)
class Content:
    """`options` are those of `Producer.stream` or `Producer.enqueue`, as JSON has them."""

    messages: Sequence[Mapping[str, Any]]
    options: Mapping[str, Any]

    def to_bytes(self, cipher: BodyCipher) -> bytes:
        written = orjson.dumps({"messages": self.messages, "options": self.options}, default=_written)
        return cipher.encrypt(written)

    @classmethod
    def from_bytes(cls, stored: bytes, cipher: BodyCipher) -> Content:
        """Return what `to_bytes` has written. Raise DecryptionError."""
        return cls(**orjson.loads(cipher.decrypt(bytes(stored))))


def checked_message(producer: Producer, stream: str, message: MessageLike, options: Mapping[str, Any]) -> Content:
    """Return a message for a stream. Raise MessageInvalid or CampaignInvalid."""
    producer.stream(stream, **options).check(message)
    return Content([_kept(as_mapping(message), _names(options))], options)


def checked_campaign(settings: Settings, messages: Iterable[MessageLike], options: Mapping[str, Any]) -> Content:
    """Return a campaign, whose deadline is a time. Raise CampaignInvalid."""
    checked = check_options(options, settings, clock.now())
    names = _names(options)
    kept = []
    for index, message in enumerate(as_mappings(iterate(messages))):
        try:
            kept.append(_kept(message, names))
        except Violation as violation:
            raise CampaignInvalid({"messages": [f"{index}: {violation.field} is {violation.message}"]}) from None
    if not kept:
        raise CampaignInvalid({"messages": ["there are none: give at least one message"]})
    return Content(kept, {**options, "deadline": checked.deadline})


def _kept(message: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in kept_values(message, names).items() if value is not None}


def _names(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of a message that are sent or that its text needs."""
    text = options.get("text")
    return (*MARKS, "text") if text is None else (*MARKS, *Template.parse(text).fields)


def _written(value: object) -> object:
    """Return an option that JSON does not have in a form that the producer takes for the same."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is no option")


def start_in_future(options: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the options of a campaign without a `start_at` that has passed while the row was waiting."""
    start_at = options.get("start_at")
    passed = start_at is not None and datetime.fromisoformat(start_at) <= now
    return {name: value for name, value in options.items() if not (passed and name == "start_at")}
