"""The producer, which web apps call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

import redis

from bsg_broker.wakeups import Wakeups
from bsg_config import clock
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.delivery_reports import DeliveryReport
from bsg_ledger.doubts import Doubt
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.gate import Gate, GateReason, GateState
from bsg_ledger.ledger import Ledger
from bsg_ledger.records import CampaignStatus, CampaignSummary, Transition
from bsg_ledger.suppressions import Suppression
from bsg_messages.body_cipher import BodyCipher
from bsg_messages.campaign_ids import is_campaign_id
from bsg_messages.errors import CampaignInvalid
from bsg_messages.priority import Priority
from bsg_messages.rejects import Reject
from bsg_producer import following
from bsg_producer.campaign_arguments import EnqueueOptions, account_of, check_deadline, check_options
from bsg_producer.enqueueing import Receipt, enqueue, iterate
from bsg_producer.errors import CampaignNotFound
from bsg_producer.pushed_reports import read_pushed_reports
from bsg_producer.queue_errors import queue_errors
from bsg_producer.redirecting import redirect_first
from bsg_producer.reporting import MessageReport
from bsg_producer.resolution import Resolved, batch_named, resolve, resolve_all_not_sent
from bsg_producer.resuming import resume
from bsg_producer.suppressing import checked_phones

if TYPE_CHECKING:
    from bsg_producer.preview import Preview

T = TypeVar("T")

MAX_WAIT_MS = 1000


class Producer:
    """Enqueues campaigns and reports their state. One per process is enough: threads and forks may share it.

    Settings come from the environment unless they are given. Every method raises `QueueUnavailable` if Redis does not
    respond, and `CampaignNotFound` for an id that the ledger does not know.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or Settings.from_environment()
        self._begin(connect(settings), settings)

    @classmethod
    def over(cls, client: redis.Redis, settings: Settings) -> Self:
        """Return a producer that uses an existing Redis client."""
        producer = cls.__new__(cls)
        producer._begin(client, settings)
        return producer

    def _begin(self, client: redis.Redis, settings: Settings) -> None:
        self._settings = settings
        self._client = client
        self._ledger = Ledger(
            client,
            relaxed=settings.queue_durability == "relaxed",
            timeout_ms=int(settings.queue_timeout * 1000),
            delivery_reports_kept=settings.delivery_reports_kept,
        )
        self._wakeups = Wakeups(client)
        self._cipher = BodyCipher(settings.body_key)

    def enqueue(
        self,
        messages: Iterable[Mapping[str, Any]],
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

        `messages` is read once and never held in memory as a whole. Each message is a mapping with `phone` and, unless
        the template `text` is given, `text`. Optional keys are `sender`, `reference_id`, `tariff_code` and
        `transliterate`. `validity` is in hours. With `transliterate`, BSG writes texts in Latin letters where
        necessary; its table is not public. `priority` is "high", "normal" or "low".

        Batches leave only during the hours `send_between`: "09:00-20:00" in the account's time zone, or
        "09:00-20:00 Europe/Kyiv". The campaign pauses before a batch that would exceed `max_cost`, by BSG's prices.
        `account` is the name of an account: "marketing" is the account of BSG_API_KEY__MARKETING. By default it is the
        account of BSG_API_KEY.

        Raise `CampaignInvalid` (its `errors` say what to correct, by field), `IdempotencyConflict`, `QueueUnavailable`
        or `QueueNotDurable`: the campaign does not exist then. Raise `EnqueueUnconfirmed` if it may exist: try again
        with its key.
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
        return enqueue(
            self._ledger,
            messages,
            campaign_options,
            idempotency_key,
            account=account,
            cipher=self._cipher,
        )

    def preview(
        self, messages: Iterable[Mapping[str, Any]], *, price: bool = False, **options: Unpack[EnqueueOptions]
    ) -> Preview:
        """Return what `enqueue` would do with the same messages and options. Nothing is sent or stored.

        Phones on the suppression list become rejects. With `price`, BSG is asked for the price. With the account's key
        and the extra `worker`, BSG is also asked for its registered senders, for the warnings.

        Raise `CampaignInvalid` as `enqueue` does. With `price`, raise `ReportUnavailable` if BSG does not respond.
        """
        # Most processes only enqueue, and never need it.
        from bsg_producer.asking_bsg import ask_about
        from bsg_producer.preview import count

        campaign_options = check_options(options, self._settings, clock.now())
        account = account_of(self._settings, options.get("account", DEFAULT_ACCOUNT))
        with queue_errors():
            counts = count(
                iterate(messages), campaign_options, suppressed=self._ledger.suppressions.among, with_phones=price
            )
        return ask_about(counts, self._settings, account, price=price)

    def send_test(
        self,
        messages: Iterable[Mapping[str, Any]],
        *,
        to: str | int,
        rows: int = 3,
        idempotency_key: str | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> Receipt:
        """Send the first `rows` messages of a campaign, rendered, to the phone `to` instead of to their own phones.

        They have no reference ids of the caller, because the campaign itself needs those. Raise what `enqueue` raises.
        """
        options["allow_duplicates"] = True
        return self.enqueue(redirect_first(iterate(messages), to, rows), idempotency_key=idempotency_key, **options)

    def status(self, campaign_id: str) -> CampaignStatus:
        """Return the campaign's status: its state, messages by state, batches and every transition."""
        with queue_errors():
            return _known(campaign_id, self._ledger.reading.status(_checked(campaign_id)))

    def campaigns(self) -> Iterator[CampaignSummary]:
        """Return every campaign of the ledger, the newest first."""
        with queue_errors():
            yield from self._ledger.reading.campaigns()

    def rejects(self, campaign_id: str) -> Iterator[Reject]:
        """Return the messages that will not be sent, each with its index in the iterable (from 0) and the reason."""
        self._summary(campaign_id)
        with queue_errors():
            for row in self._ledger.reading.rejects(campaign_id):
                yield Reject.from_json(row)

    def report(self, campaign_id: str) -> Iterator[MessageReport]:
        """Return each message of the campaign with its current status at BSG, read from BSG page by page.

        This needs the account's key and the extra `worker`. It shares the limit of the workers' status requests. Raise
        `ReportUnavailable` if BSG does not respond.
        """
        from bsg_producer.asking_bsg import read_report  # most processes only enqueue

        return read_report(self._settings, _checked(campaign_id))

    def watch(self, campaign_id: str) -> Iterator[Transition]:
        """Return every transition, from the first on and as it happens, until the campaign is final."""
        return following.watch(self._ledger, _checked(campaign_id), wait_ms=self._wait_ms)

    def events(self, *, since: str | None = None, follow: bool = False) -> Iterator[Transition]:
        """Return every transition of all campaigns, so that an app can update a table of its own.

        The events begin after `since`, the `position` of the last event that the app processed. By default they begin
        with the oldest event in the feed. They end with the newest event, or with `follow` never. The feed keeps the
        last 100 000 events. Raise `FeedGap` if the event after `since` is no longer there.
        """
        return following.follow_feed(
            self._ledger.feed, since, follow=follow, wait_ms=self._wait_ms, after_a_gap=following.READ_CAMPAIGNS
        )

    def latest_event(self) -> str:
        """Return the position after the newest event. Read it first, then the campaigns, then follow the feed."""
        with queue_errors():
            return str(self._ledger.feed.latest())

    def delivery_reports(self, *, since: str | None = None, follow: bool = False) -> Iterator[DeliveryReport]:
        """Return every delivery report that BSG pushed, of all campaigns, in the order of arrival. See `callbacks`.

        `since` and `follow` are as in `events`, but the feed and its positions are separate. The feed keeps the last
        DELIVERY_REPORTS_KEPT reports. Raise `FeedGap` if the report after `since` is no longer there. A report may
        come twice, or after a newer one, because BSG repeats a push that did not get 200.
        """
        return following.follow_feed(
            self._ledger.delivery_reports,
            since,
            follow=follow,
            wait_ms=self._wait_ms,
            after_a_gap=following.READ_REPORTS,
        )

    def latest_delivery_report(self) -> str:
        """Return the position after the newest delivery report."""
        with queue_errors():
            return str(self._ledger.delivery_reports.latest())

    def record_reports(self, reports: Iterable[Mapping[str, Any]]) -> None:
        """Add delivery reports, each a mapping as BSG pushes it, to their feed. They are on disk when this returns.

        Reports of campaigns that the ledger does not have are left out. Raise `CampaignInvalid`, and add none, if one
        of them is not a report. `callbacks` calls this for reports that BSG pushes over HTTP.
        """
        pushed = read_pushed_reports(reports)
        with queue_errors():
            self._ledger.delivery_reports.record(pushed)
            self._ledger.durability.wait_for_disk()

    def pause(self, campaign_id: str) -> None:
        """Hold the batches that have not been sent. BSG continues what it already has."""
        with queue_errors():
            if not self._ledger.campaigns.pause(_checked(campaign_id)):
                raise CampaignNotFound(campaign_id)

    def resume(self, campaign_id: str, *, max_cost: float | Decimal | str | None = None) -> None:
        """Continue a paused campaign, with another `max_cost` for the whole campaign if given ("none" removes it).

        Raise `CampaignInvalid` and change nothing if its `max_cost` would pause it again at once.
        """
        with queue_errors():
            if not resume(self._ledger, _checked(campaign_id), max_cost):
                raise CampaignNotFound(campaign_id)
        self._wake(campaign_id)

    def cancel(self, campaign_id: str) -> int:
        """End what is unsent, and stop the rest at BSG. Return how many messages BSG has or may have."""
        with queue_errors():
            _, gone = _known(campaign_id, self._ledger.campaigns.cancel(_checked(campaign_id)))
        return gone

    def retry(self, campaign_id: str, deadline: datetime | None = None) -> int:
        """Send again the messages that BSG refused or that have expired. Return how many they are.

        Raise `CampaignInvalid` if the campaign was cancelled, if its deadline has passed and no new one is given, or if
        its messages are no longer stored (BODY_RETENTION).
        """
        deadline_ms = None
        if deadline is not None:
            deadline_ms = int(check_deadline(deadline, clock.now()).timestamp() * 1000)
        with queue_errors():
            kind, messages = self._ledger.campaigns.retry(_checked(campaign_id), deadline_ms=deadline_ms)
        if kind == "gone":
            raise CampaignNotFound(campaign_id)
        if kind in RETRY_REFUSALS:
            field, message = RETRY_REFUSALS[kind]
            raise CampaignInvalid({field: [message]})
        self._wake(campaign_id)
        return messages

    def resolve(self, batch_id: str, *, sent: int | None = None, not_sent: bool = False) -> str:
        """Record an operator's decision on a batch. Return its new state. `sent` is the id of its BSG campaign."""
        with queue_errors():
            batch = batch_named(batch_id)
            state = resolve(self._ledger, batch, sent=sent, not_sent=not_sent)
        self._wake(batch.campaign_id)
        return state

    def doubts(
        self, *, account: str = DEFAULT_ACCOUNT, since: datetime | None = None, until: datetime | None = None
    ) -> list[Doubt]:
        """Return the account's batches whose doubt began in that period, the oldest doubt first.

        Each shows whether it needs an operator, and why. Raise `SettingsInvalid` without the account's key.
        """
        with queue_errors():
            return self._ledger.doubts(account_of(self._settings, account).id, since=since, until=until)

    def resolve_all_not_sent(self, doubts: Iterable[Doubt]) -> list[Resolved]:
        """Record that batches, as `doubts` returned them, were not sent. Return the new state of each.

        A batch is not changed, and its state is `stale`, if it was tried or found meanwhile, if it needs no operator,
        or if BSG has a trace of it.
        """
        with queue_errors():
            resolved = resolve_all_not_sent(self._ledger, doubts)
        for campaign_id in dict.fromkeys(one.batch.campaign_id for one in resolved if one.changed):
            self._wake(campaign_id)
        return resolved

    def look_up(self, doubts: Iterable[Doubt], *, account: str = DEFAULT_ACCOUNT) -> None:
        """Ask the status worker to look these batches up at BSG now. A batch that BSG has counts as sent."""
        with queue_errors():
            account_id = account_of(self._settings, account).id
            self._ledger.due_indexes.give_back(DueIndex.DOUBT, [doubt.batch for doubt in doubts], account=account_id)

    def suppress(self, phones: Iterable[str | int]) -> int:
        """Add phones of people who opted out to the suppression list. Return how many were not on it before.

        A message that has not left yet is checked against the list, and becomes a reject `suppressed`. All campaigns of
        this ledger share the list. Raise `CampaignInvalid`, and change nothing, if a phone is invalid.
        """
        with queue_errors():
            changed = self._ledger.suppressions.add(checked_phones(phones))
            self._ledger.durability.wait_for_disk()
        return changed

    def unsuppress(self, phones: Iterable[str | int]) -> int:
        """Remove phones from the suppression list. Return how many were on it. Rejected messages stay rejected.

        The next read of BSG's stop list adds a phone again that is still on it: remove it there first.
        """
        with queue_errors():
            changed = self._ledger.suppressions.remove(checked_phones(phones))
            self._ledger.durability.wait_for_disk()
        return changed

    def suppressed(self) -> Iterator[str]:
        """Return the phones on the suppression list, as digits, in no order."""
        with queue_errors():
            yield from self._ledger.suppressions.all()

    def suppressions(self) -> Iterator[Suppression]:
        """Return the phones on that list with their sources: `here`, or `bsg:ACCOUNT` for BSG's stop list of an
        account.

        In no order; a phone may come more than once if the list changes meanwhile.
        """
        with queue_errors():
            yield from self._ledger.suppressions.with_sources()

    def gate(self, *, account: str = DEFAULT_ACCOUNT) -> GateState:
        """Return whether requests may leave for the account and, if not, why.

        Raise `SettingsInvalid` without any key.
        """
        with queue_errors():
            return self._gate(account).state()

    def open_gate(self, *, account: str = DEFAULT_ACCOUNT) -> None:
        with queue_errors():
            self._gate(account).open(reason="", by="operator")

    def shut_gate(self, *, account: str = DEFAULT_ACCOUNT) -> None:
        """Shut the gate: nothing more leaves until an operator opens it. Requests on the wire are not recalled."""
        with queue_errors():
            self._gate(account).shut(reason=GateReason.OPERATOR, by="operator")

    @property
    def _wait_ms(self) -> int:
        # Well under the socket's timeout, because a longer silence counts as a lost connection.
        return min(MAX_WAIT_MS, int(self._settings.queue_timeout * 500))

    def _gate(self, account: str) -> Gate:
        return self._ledger.gate(account_of(self._settings, account).id)

    def _summary(self, campaign_id: str) -> CampaignSummary:
        with queue_errors():
            return _known(campaign_id, self._ledger.reading.summary(_checked(campaign_id)))

    def _wake(self, campaign_id: str) -> None:
        """Wake a worker of the campaign's account: something may have become ready."""
        with queue_errors():
            _, account_name = self._ledger.reading.account_of(campaign_id)
        self._wakeups.notify(account_name or DEFAULT_ACCOUNT)


RETRY_REFUSALS = {
    "late": ("deadline", "the campaign's deadline has passed: give a new one"),
    "forgotten": ("campaign", "its messages are no longer kept (BODY_RETENTION): enqueue them anew"),
    "cancelled": ("campaign", "it was cancelled, which is for good: enqueue its messages anew"),
}


def _checked(campaign_id: str) -> str:
    """Return the id. Raise CampaignNotFound for an invalid one: in a key it might name something else."""
    if not is_campaign_id(campaign_id):
        raise CampaignNotFound(campaign_id)
    return campaign_id


def _known(campaign_id: str, response: T | None) -> T:
    if response is None:
        raise CampaignNotFound(campaign_id)
    return response
