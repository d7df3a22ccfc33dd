"""A stream, as web apps use it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from bsg_broker.wakeups import Wakeups
from bsg_ledger.ledger import Ledger
from bsg_ledger.streams import StreamRules
from bsg_messages.body_cipher import BodyCipher
from bsg_messages.campaign_options import CampaignOptions
from bsg_producer.queue_errors import queue_errors
from bsg_producer.streams.control import cancel_stream, pause_stream, resume_stream
from bsg_producer.streams.finding import find_message
from bsg_producer.streams.message_status import MessageStatus, read_message
from bsg_producer.streams.sending import MessageReceipt, Sending
from bsg_producer.streams.stream_status import StreamStatus, read_stream
from bsg_producer.typed_messages import MessageLike


class Stream:
    """A named, open campaign that collects single messages. `Producer.stream` makes one; threads may share it.

    >>> codes = producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
    >>> codes.name
    'codes'
    """

    def __init__(
        self, ledger: Ledger, options: CampaignOptions, rules: StreamRules, cipher: BodyCipher, wakeups: Wakeups
    ) -> None:
        self._ledger = ledger
        self._wakeups = wakeups
        self._rules = rules
        self._sending = Sending(ledger, rules, options, cipher)

    @property
    def name(self) -> str:
        return self._rules.stream

    def check(self, message: MessageLike) -> None:
        """Raise `MessageInvalid` if the message breaks a rule. Nothing is sent, and Redis is not asked.

        >>> producer.stream("codes", sender="MyShop").check({"phone": "12", "text": "Your code is 1234"})
        Traceback (most recent call last):
        bsg_producer.errors.MessageInvalid: phone: ...
        """
        self._sending.check(message)

    def send(self, message: MessageLike, *, idempotency_key: str | None = None) -> MessageReceipt:
        """Accept one message. After this returns, it is sent exactly once or accounted for with a reason.

        `message` is a mapping, a dataclass or a pydantic model with `phone` and what the stream's template needs, or
        `text`. Optional fields are `sender`, `reference_id`, `tariff_code` and `transliterate`.

        The same key with the same content within STREAM_KEY_RETENTION returns the first receipt, as a duplicate.

        Raise `MessageInvalid` if the message breaks a rule or its phone is suppressed, `IdempotencyConflict`,
        `QueueUnavailable` or `QueueNotDurable`: nothing is accepted then. Raise `EnqueueUnconfirmed` if it may be
        accepted: try again with its key.

        >>> codes = producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
        >>> receipt = codes.send({"phone": "+380 66 123-12-31", "code": 1234}, idempotency_key="code-for-olena")
        >>> receipt.duplicate
        False
        """
        return self._sending.send(message, idempotency_key)

    def send_many(self, messages: Iterable[tuple[MessageLike, str | None]]) -> Iterator[MessageReceipt]:
        """Accept messages in their order, each with its idempotency key or None, and yield their receipts as it goes.

        Up to 500 messages are accepted in one commit, before their first receipt is yielded. A commit takes what the
        iterable has given within a tenth of a second. Such a message waits for no others if the iterable is slower.

        Raise what `send` raises, for the first message that is not accepted, after the receipts of those before it.
        They are accepted, and none after it is. Raise what the iterable raises likewise. If a commit is not confirmed,
        the `idempotency_keys` of `EnqueueUnconfirmed` are those of its messages, which follow the last receipt.

        >>> codes = producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
        >>> rows = [({"phone": 380661231231 + number, "code": number}, f"code-{number}") for number in range(3)]
        >>> len(list(codes.send_many(rows)))
        3
        """
        return self._sending.send_many(messages)

    def message(self, *, idempotency_key: str | None = None, reference_id: str | None = None) -> MessageStatus:
        """Return what became of the message with that idempotency key, or with that reference id of yours.

        A stream knows both for STREAM_KEY_RETENTION at least. After that, use `producer.message` with the message id.

        Raise `MessageNotFound`, and `CampaignInvalid` unless exactly one of them is given.

        >>> codes = producer.stream("codes", sender="MyShop", text="Your code is {{ code }}")
        >>> receipt = codes.send({"phone": 380661231231, "code": 1234}, idempotency_key="code-for-olena")
        >>> codes.message(idempotency_key="code-for-olena").message_id == receipt.message_id
        True
        """
        with queue_errors():
            message_id = find_message(self._ledger, self.name, idempotency_key, reference_id)
            return read_message(self._ledger, message_id)

    def status(self) -> StreamStatus:
        """Return the stream's campaigns, and its messages by state.

        Every campaign that the ledger has of the stream is read, so the time grows with LEDGER_RETENTION.

        >>> producer.stream("reminders").status().counts["accepted"]
        0
        """
        with queue_errors():
            return read_stream(self._ledger, self.name)

    def pause(self) -> None:
        """Hold what has not been sent, and what is accepted from now on. BSG continues what it already has.

        >>> reminders = producer.stream("reminders")
        >>> reminders.pause()
        >>> reminders.status().paused
        True
        >>> reminders.resume()
        """
        pause_stream(self._ledger, self.name)

    def resume(
        self, *, max_cost: float | Decimal | str | None = None, max_cost_per_day: float | Decimal | str | None = None
    ) -> None:
        """Continue a paused stream, or one that its `max_cost_per_day` holds.

        If given, each of its open campaigns has this `max_cost` or `max_cost_per_day` from now on ("none" removes it).
        The campaigns that begin later have those of the app again, so give the stream the new value as well.

        Raise `CampaignInvalid` if the `max_cost` of one of its campaigns would pause it again at once, or the new
        `max_cost_per_day` would hold it again. Such a campaign is not changed. The others continue.

        >>> producer.stream("reminders").resume(max_cost_per_day="12.50")
        """
        resume_stream(self._ledger, self._wakeups, self.name, max_cost, max_cost_per_day)

    def cancel(self) -> int:
        """End what is unsent, and stop the rest at BSG. Return how many messages BSG has or may have.

        Messages that are sent afterwards begin another campaign.

        >>> producer.stream("reminders").cancel()
        0
        """
        _, gone = cancel_stream(self._ledger, self.name)
        return gone
