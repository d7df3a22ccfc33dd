"""The outbox: every message that was sent or would be sent, rendered and as BSG gets it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from bsg_ledger.ledger import Ledger
from bsg_ledger.states import BatchState
from bsg_messages import rules
from bsg_messages.bodies import unpacked
from bsg_messages.body_cipher import BodyCipher
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.columns import unpack
from bsg_messages.preparation import SUPPRESSED, prepare
from bsg_messages.rejects import Reject, Violation

UNPREPARED = "unprepared"
_NEVER_SENT = frozenset({BatchState.REFUSED, BatchState.CANCELLED, BatchState.EXPIRED})


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message as BSG gets it. `phone` is in digits. `state` is its batch's state, or "unprepared".

    >>> OutboxMessage("380661231231", "Hello!", "MyShop", "order-1", "campaign", "orders", "pending").text
    'Hello!'
    """

    phone: str
    text: str
    sender: str
    reference_id: str
    campaign_id: str
    campaign_name: str
    state: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message that is not sent, and why. `text`: "" for a message that could not be rendered."""

    phone: str
    text: str
    reason: str


class Outbox(Sequence[OutboxMessage]):
    """The messages in the order of their campaigns. `unsent` are those that were rejected, refused or cancelled.

    >>> with CampaignsEnvironment("memory") as campaigns:
    ...     messages = [{"phone": 380661231231}, {"phone": 12}]
    ...     receipt = campaigns.producer.enqueue(messages, sender="MyShop", text="Hello!")
    ...     outbox = campaigns.outbox
    >>> len(outbox), outbox[0].text, [unsent.phone for unsent in outbox.unsent]
    (1, 'Hello!', ['12'])
    """

    def __init__(self, messages: Sequence[OutboxMessage], unsent: Sequence[Unsent]) -> None:
        self._messages = tuple(messages)
        self.unsent = tuple(unsent)

    def to(self, phone: str | int) -> list[OutboxMessage]:
        """Return the messages to a phone, which may be written in any way that `enqueue` takes.

        >>> message = OutboxMessage("380661231231", "Hello!", "MyShop", "order-1", "campaign", "orders", "pending")
        >>> Outbox([message], ()).to("+380 66 123-12-31") == [message]
        True
        """
        return self.matching(to=phone)

    def matching(
        self,
        *,
        to: str | int | None = None,
        text: str | re.Pattern[str] | None = None,
        sender: str | None = None,
    ) -> list[OutboxMessage]:
        """Return the messages with this phone, text and sender. A pattern may match anywhere in a text.

        Raise ValueError if `to` is no international phone number.

        >>> message = OutboxMessage("380661231231", "Hello!", "MyShop", "order-1", "campaign", "orders", "pending")
        >>> Outbox([message], ()).matching(text=re.compile("^Hell"), sender="MyShop") == [message]
        True
        """
        phone = None if to is None else _digits(to)
        return [
            message
            for message in self._messages
            if phone in (None, message.phone)
            and sender in (None, message.sender)
            and (text is None or (text == message.text if isinstance(text, str) else text.search(message.text)))
        ]

    @overload
    def __getitem__(self, index: int) -> OutboxMessage: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[OutboxMessage]: ...
    def __getitem__(self, index: int | slice) -> OutboxMessage | Sequence[OutboxMessage]:
        return self._messages[index]

    def __len__(self) -> int:
        return len(self._messages)

    def __repr__(self) -> str:
        return f"Outbox({list(self._messages)!r})"


def read_outbox(ledger: Ledger, cipher: BodyCipher) -> Outbox:
    """Return the outbox of a ledger. Nothing changes: messages that no worker has prepared are rendered here."""
    messages: list[OutboxMessage] = []
    unsent: list[Unsent] = []
    for campaign in reversed(list(ledger.reading.campaigns())):
        reader = _Reader(ledger, cipher, campaign.campaign_id, campaign.name)
        for message in (*reader.in_batches(), *reader.unprepared()):
            if message.state in _NEVER_SENT:
                unsent.append(Unsent(message.phone, message.text, message.state))
            else:
                messages.append(message)
        unsent += reader.rejected
    return Outbox(messages, unsent)


class _Reader:
    """Read the messages of one campaign."""

    def __init__(self, ledger: Ledger, cipher: BodyCipher, campaign_id: str, name: str) -> None:
        self._ledger, self._cipher = ledger, cipher
        self._campaign_id, self._name = campaign_id, name
        self.rejected = [_unsent(Reject.from_json(row)) for row in ledger.reading.rejects(campaign_id)]

    def in_batches(self) -> Iterator[OutboxMessage]:
        reading = self._ledger.reading
        for batch in reading.batches(self._campaign_id, range(reading.batch_count(self._campaign_id))):
            body = reading.body(batch.id)
            if body is None:
                continue
            found = self._messages(unpacked(body, self._campaign_id, self._cipher), batch.state)
            yield from self._without_suppressed(found) if batch.state is BatchState.PENDING else found

    def unprepared(self) -> Iterator[OutboxMessage]:
        options = CampaignOptions.from_json(self._ledger.reading.campaign_options(self._campaign_id) or "")
        for first_index, packed in self._ledger.reading.unprepared_chunks(self._campaign_id):
            prepared = prepare(
                unpack(self._cipher.decrypt(packed)),
                options,
                campaign_id=self._campaign_id,
                first_index=first_index,
                batch_size=options.batch_size,
                suppressed=self._ledger.suppressions.among,
            )
            self.rejected += map(_unsent, prepared.rejects)
            for batch in prepared.batches:
                yield from self._messages(unpacked(batch.body, self._campaign_id, BodyCipher(())), UNPREPARED)

    def _messages(self, body: bytes, state: str) -> list[OutboxMessage]:
        rows: list[dict[str, Any]] = json.loads(body)
        return [
            OutboxMessage(
                phone=str(row["phone"]),
                text=row["text"],
                sender=row["sender"],
                reference_id=row["reference_id"],
                campaign_id=self._campaign_id,
                campaign_name=self._name,
                state=str(state),
            )
            for row in rows
        ]

    def _without_suppressed(self, messages: list[OutboxMessage]) -> list[OutboxMessage]:
        """Return the messages whose phones were not suppressed since the batch was prepared."""
        suppressed = self._ledger.suppressions.among([message.phone for message in messages])
        self.rejected += [
            Unsent(message.phone, message.text, SUPPRESSED.code) for message in messages if message.phone in suppressed
        ]
        return [message for message in messages if message.phone not in suppressed]


def _digits(phone: str | int) -> str:
    try:
        return rules.phone(phone)
    except Violation:
        raise ValueError(f"{phone!r} is not an international phone number, such as '+380 66 123-12-31'") from None


def _unsent(reject: Reject) -> Unsent:
    return Unsent(reject.phone, "", f"{reject.code}: {reject.message}")
