"""Streams, for callers of the producer."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from bsg_config import clock
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.stream_listing import ListedStream
from bsg_messages.priority import Priority
from bsg_producer.producer_base import ProducerBase
from bsg_producer.queue_errors import queue_errors
from bsg_producer.streams.message_status import MessageStatus, read_message
from bsg_producer.streams.options import check_stream
from bsg_producer.streams.stream import Stream


class Streams(ProducerBase):
    """The part of the producer that sends single messages."""

    def stream(
        self,
        name: str,
        *,
        sender: str | None = None,
        text: str | None = None,
        tariff_code: int = 0,
        validity: int = 72,
        deadline: timedelta | float | None = None,
        callback_url: str | None = None,
        priority: Priority = "normal",
        transliterate: bool = False,
        send_between: str | None = None,
        max_cost: float | Decimal | str | None = None,
        max_cost_per_day: float | Decimal | str | None = None,
        max_wait: float = 0,
        account: str = DEFAULT_ACCOUNT,
    ) -> Stream:
        """Return the stream of that name, which sends single messages. What has come together leaves in one request.

        The options may be given anew at every start of the app. Messages with other options have a campaign of their
        own, and each hour begins a new one. `deadline` is a time span from a message's acceptance. With `max_wait`, a
        message waits up to so many seconds for others, so that requests become larger. `max_cost` is that of one
        campaign of the stream. `max_cost_per_day` is for all of them together and a day in UTC, by BSG's prices: a
        campaign whose next batch would exceed it waits until midnight. A message whose `deadline` passes before
        `send_between` opens, or before that midnight, expires. The other options are as in `enqueue`.

        Raise `CampaignInvalid`. Nothing is stored before the first message.

        >>> text = "Hi {{ name }}, order {{ order }} is on its way"
        >>> orders = producer.stream("order-updates", sender="MyShop", text=text, priority="high", deadline=7200)
        >>> orders.send({"phone": 380661231231, "name": "Olena", "order": 1742}).duplicate
        False
        """
        campaign_options, rules = check_stream(
            name,
            {
                "sender": sender,
                "text": text,
                "tariff_code": tariff_code,
                "validity": validity,
                "deadline": deadline,
                "callback_url": callback_url,
                "priority": priority,
                "transliterate": transliterate,
                "send_between": send_between,
                "max_cost": max_cost,
                "max_cost_per_day": max_cost_per_day,
                "max_wait": max_wait,
                "account": account,
            },
            self._settings,
            clock.now(),
        )
        return Stream(self._ledger, campaign_options, rules, self._cipher, self._wakeups)

    def streams(self) -> list[ListedStream]:
        """Return every stream with its open campaigns, the one that began a campaign last first.

        Closed campaigns are not read, so the time does not grow with LEDGER_RETENTION. `Stream.status` has all
        campaigns of a stream.

        >>> codes = producer.stream("codes", sender="MyShop")
        >>> receipt = codes.send({"phone": 380661231231, "text": "Your code is 1234"})
        >>> [stream.name for stream in producer.streams()]
        ['codes']
        """
        with queue_errors():
            return self._ledger.stream_listing.all()

    def message(self, message_id: str, *, report: bool = False) -> MessageStatus:
        """Return what became of one message of a stream. Raise `MessageNotFound`.

        With `report`, BSG is asked for its record of the message, as by `Producer.report`. Raise `ReportUnavailable` if
        BSG does not respond.

        >>> receipt = producer.stream("codes", sender="MyShop").send({"phone": 380661231231, "text": "Your code: 1"})
        >>> producer.message(receipt.message_id).state
        'pending'
        """
        with queue_errors():
            status = read_message(self._ledger, message_id)
        if not report:
            return status
        from bsg_producer.asking_bsg import with_report  # most processes only enqueue

        return with_report(self._settings, status)
