"""The producer, which web apps call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Unpack

from bsg_config import clock
from bsg_config.meters import count_accepted
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.tracing import span
from bsg_messages.priority import Priority
from bsg_producer.campaign_arguments import EnqueueOptions, account_of, check_options
from bsg_producer.campaign_control import CampaignControl
from bsg_producer.campaign_reads import CampaignReads
from bsg_producer.enqueueing import Receipt, enqueue, iterate
from bsg_producer.feeds import Feeds
from bsg_producer.operator_decisions import OperatorDecisions
from bsg_producer.queue_errors import queue_errors
from bsg_producer.redirecting import redirect_first
from bsg_producer.streams.streams import Streams
from bsg_producer.suppression_list import SuppressionList
from bsg_producer.typed_messages import MessageLike, as_mappings

if TYPE_CHECKING:
    from bsg_producer.preview import Preview


class Producer(CampaignReads, CampaignControl, Streams, Feeds, OperatorDecisions, SuppressionList):
    """Enqueues campaigns and reports their state. One per process is enough: threads and forks may share it.

    Settings come from the environment unless they are given. Every method raises `QueueUnavailable` if Redis does not
    respond, and `CampaignNotFound` for an id that the ledger does not know.

    >>> producer = Producer()  # its settings are those of the environment, such as REDIS_URL
    >>> receipt = producer.enqueue([{"phone": "+380 66 123-12-31"}], sender="MyShop", text="Hello!")
    >>> producer.status(receipt.campaign_id).state.value
    'accepted'
    """

    def enqueue(
        self,
        messages: Iterable[MessageLike],
        *,
        sender: str | None = None,
        text: str | None = None,
        tariff_code: int = 0,
        validity: int = 72,
        start_at: datetime | None = None,
        deadline: datetime | None = None,
        callback_url: str | None = None,
        priority: Priority = "normal",
        allow_duplicates: bool = False,
        transliterate: bool = False,
        idempotency_key: str | None = None,
        name: str | None = None,
        send_between: str | None = None,
        max_cost: float | Decimal | str | None = None,
        account: str = DEFAULT_ACCOUNT,
    ) -> Receipt:
        """Accept a campaign. After this returns, every message is sent exactly once or accounted for with a reason.

        `messages` is read once and never held in memory as a whole. Each message is a mapping, a dataclass or a
        pydantic model with `phone` and, unless the template `text` is given, `text`. Optional fields are `sender`,
        `reference_id`, `tariff_code` and `transliterate`. `validity` is in hours. With `transliterate`, BSG writes
        texts in Latin letters where necessary; its table is not public. `priority` is "high", "normal" or "low".

        Batches leave only during the hours `send_between`: "09:00-20:00" in the account's time zone, or
        "09:00-20:00 Europe/Kyiv". The campaign pauses before a batch that would exceed `max_cost`, by BSG's prices.
        `account` is the name of an account: "marketing" is the account of BSG_API_KEY__MARKETING. By default it is the
        account of BSG_API_KEY.

        Raise `CampaignInvalid` (its `errors` say what to correct, by field), `IdempotencyConflict`, `QueueUnavailable`
        or `QueueNotDurable`: the campaign does not exist then. Raise `EnqueueUnconfirmed` if it may exist: try again
        with its key.

        >>> messages = [{"phone": "+380 66 123-12-31", "name": "Olha"}, {"phone": 380661231232, "name": "Ivan"}]
        >>> producer.enqueue(messages, sender="MyShop", text="Hi {{ name }}!", idempotency_key="news-7")
        Receipt(campaign_id='...', messages=2, duplicate=False)
        >>> producer.enqueue(messages, sender="MyShop", text="Hi {{ name }}!", idempotency_key="news-7").duplicate
        True
        """
        campaign_options = check_options(
            {
                "sender": sender,
                "text": text,
                "tariff_code": tariff_code,
                "validity": validity,
                "start_at": start_at,
                "deadline": deadline,
                "callback_url": callback_url,
                "priority": priority,
                "allow_duplicates": allow_duplicates,
                "transliterate": transliterate,
                "name": name,
                "send_between": send_between,
                "max_cost": max_cost,
                "account": account,
            },
            self._settings,
            clock.now(),
        )
        with span("bsg.enqueue", "PRODUCER", account=account) as current:
            receipt = enqueue(
                self._ledger,
                messages,
                replace(campaign_options, traceparent=current.traceparent),
                idempotency_key,
                account=account,
                cipher=self._cipher,
            )
            if not receipt.duplicate:
                count_accepted(account, receipt.messages)
            current.note(campaign=receipt.campaign_id, messages=receipt.messages, duplicate=receipt.duplicate)
            return receipt

    def preview(
        self, messages: Iterable[MessageLike], *, price: bool = False, **options: Unpack[EnqueueOptions]
    ) -> Preview:
        """Return what `enqueue` would do with the same messages and options. Nothing is sent or stored.

        Phones on the suppression list become rejects. With `price`, BSG is asked for the price. With the account's key
        and the extra `worker`, BSG is also asked for its registered senders, for the warnings.

        Raise `CampaignInvalid` as `enqueue` does. With `price`, raise `ReportUnavailable` if BSG does not respond.

        >>> preview = producer.preview([{"phone": 380661231231}, {"phone": "12"}], sender="MyShop", text="Привіт!")
        >>> preview.sent, preview.rejected, preview.ucs2.segments
        (1, {'invalid_phone': 1}, 1)
        """
        # Most processes only enqueue, and never need it.
        from bsg_producer.asking_bsg import ask_about
        from bsg_producer.preview import count

        campaign_options = check_options(options, self._settings, clock.now())
        account = account_of(self._settings, options.get("account", DEFAULT_ACCOUNT))
        with queue_errors():
            counts = count(
                as_mappings(iterate(messages)),
                campaign_options,
                suppressed=self._ledger.suppressions.among,
                with_phones=price,
            )
        return ask_about(counts, self._settings, account, price=price)

    def send_test(
        self,
        messages: Iterable[MessageLike],
        *,
        to: str | int,
        rows: int = 3,
        idempotency_key: str | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> Receipt:
        """Send the first `rows` messages of a campaign, rendered, to the phone `to` instead of to their own phones.

        They have no reference ids of the caller, because the campaign itself needs those. Raise what `enqueue` raises.

        >>> messages = [{"phone": 380661231231, "name": "Olha"}, {"phone": 380661231232, "name": "Ivan"}]
        >>> producer.send_test(messages, to=380660000000, rows=1, sender="MyShop", text="Hi {{ name }}!").messages
        1
        """
        options["allow_duplicates"] = True
        return self.enqueue(
            redirect_first(as_mappings(iterate(messages)), to, rows), idempotency_key=idempotency_key, **options
        )
