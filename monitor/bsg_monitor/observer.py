"""Read the data of the Campaigns tab from the ledger, in bounded time for any number and size of campaigns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice

from bsg_broker.queues import STATUS_QUEUE, dispatch_queue
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.due_indexes import Due
from bsg_ledger.ledger import Ledger
from bsg_ledger.listing import CampaignHead, ListedCampaign, reported
from bsg_ledger.records import Batch, Transition
from bsg_ledger.waiting import Wait, WaitReason
from bsg_ledger.waiting_reader import WaitingReader
from bsg_messages.campaign_ids import is_campaign_id
from bsg_messages.rejects import Reject
from bsg_monitor.account_states import AccountFigures, AccountState, AccountStates
from bsg_monitor.campaign_directory import CampaignDirectory
from bsg_monitor.campaign_search import CampaignSearch
from bsg_monitor.campaign_view import CampaignView
from bsg_monitor.progress import Progress, progress_of
from bsg_monitor.rates import Rates
from bsg_monitor.stream_figures import StreamFigures, StreamFiguresReader
from bsg_producer.errors import CampaignNotFound
from bsg_producer.queue_errors import queue_errors

CAMPAIGNS_ON_A_PAGE = 25
BATCHES_ON_A_PAGE = 50
TRANSITIONS_SHOWN = 100
BATCHES_LOOKED_INTO = 2000  # for the chart and for what is delivered
REJECTS_LOOKED_INTO = 10_000
CAMPAIGNS_COUNTED = 500  # for the metrics
CAMPAIGNS_REMEMBERED = 64  # with their reject reasons


@dataclass(frozen=True, slots=True)
class Overview:
    """The overview at the top of the page."""

    accounts: Sequence[AccountState]
    now: datetime

    def waited(self, due: Due | None) -> float:
        """Return the seconds for which that has been due; negative: until it is."""
        return 0.0 if due is None else self.now.timestamp() - due.since_ms / 1000

    def cooling_until(self, account: AccountState) -> datetime | None:
        return self.now + timedelta(seconds=account.cooling_for) if account.cooling_for > 0 else None


@dataclass(frozen=True, slots=True)
class ShownCampaign:
    """A campaign as a row of the table has it. `rate`: messages a second that BSG has taken lately.

    `sent`: how many BSG has taken. `scheduled`: BSG sends them later, at the campaign's start_at, and `sent` is without
    them. `waits_for`: None if nothing is left to do.
    """

    listed: ListedCampaign
    sent: int
    scheduled: bool
    progress: Progress
    rate: float | None
    age: float
    waits_for: Wait | None


@dataclass(frozen=True, slots=True)
class CampaignList:
    """A page of campaigns. `total`: on all pages. `accounts`: the names of all accounts that have had a campaign."""

    campaigns: Sequence[ShownCampaign]
    overview: Overview
    page: int
    pages: int
    total: int
    accounts: Sequence[str]


@dataclass(frozen=True, slots=True)
class CampaignDetail:
    """A campaign with its page of batches. `outlines` are of its first BATCHES_LOOKED_INTO batches."""

    shown: ShownCampaign
    overview: Overview
    batches: Sequence[Batch]
    page: int
    pages: int
    outlines: Sequence[Batch]
    transitions: Sequence[Transition]
    transitions_total: int
    reject_reasons: Sequence[tuple[str, int]]
    waits: Sequence[Wait]

    @property
    def progress(self) -> Progress:
        """Return the progress, by more batches than a list reads."""
        return progress_of(self.shown.listed.summary.counts, reported(self.outlines), scheduled=self.shown.scheduled)

    @property
    def in_doubt(self) -> Sequence[Wait]:
        return [wait for wait in self.waits if wait.reason is WaitReason.DOUBT or wait.reason.needs_operator]


@dataclass(frozen=True, slots=True)
class Figures:
    """The whole ledger in numbers. `accounts` has what is measured, by the names of those whose keys are set here.

    `waiting`: open campaigns by account and by what they wait for, of the CAMPAIGNS_COUNTED oldest.
    """

    messages: Mapping[str, int]
    queues: Mapping[str, int]
    alarms: int
    overview: Overview
    accounts: Mapping[str, AccountFigures]
    waiting: Mapping[tuple[str, WaitReason], int]
    streams: StreamFigures


class Observer:
    """Reads for Flower; changes nothing. Safe in threads. Every method raises `QueueUnavailable`."""

    def __init__(self, settings: Settings) -> None:
        self._client = connect(settings)
        self._ledger = Ledger(self._client)
        self._settings = settings
        self._accounts = AccountStates(self._client, self._ledger, settings)
        self._waiting = WaitingReader(self._client, settings)
        self._rates = Rates()
        self._streams = StreamFiguresReader(self._ledger)
        self._directory = CampaignDirectory(self._ledger)
        self._search = CampaignSearch(self._ledger, self._directory, settings.search_key)
        self._reject_reasons = lru_cache(CAMPAIGNS_REMEMBERED)(self._read_reject_reasons)

    def campaigns(self, view: CampaignView, searched: str | None = None) -> CampaignList:
        """Return a page of a view; its last page where there are fewer. `searched`: the text that it searches for."""
        with queue_errors():
            ids = self._ids_of(view, searched)
            pages = max(1, -(-len(ids) // CAMPAIGNS_ON_A_PAGE))
            page = min(max(view.page, 1), pages)
            overview = self._overview()
            some = ids[(page - 1) * CAMPAIGNS_ON_A_PAGE : page * CAMPAIGNS_ON_A_PAGE]
            shown = self._shown(self._ledger.listing.campaigns(some), overview)
            return CampaignList(shown, overview, page, pages, len(ids), self._ledger.reading.account_names())

    def _ids_of(self, view: CampaignView, searched: str | None) -> list[str]:
        if view.is_plain:
            return self._directory.ids()
        heads: Sequence[CampaignHead] = [] if view.search else self._directory.heads()
        if searched is not None:
            heads = self._search.find(searched)
        return [head.summary.campaign_id for head in view.sorted([head for head in heads if view.has(head)])]

    def campaign(self, campaign_id: str, page: int) -> CampaignDetail:
        """Return a campaign with a page of its batches. Raise `CampaignNotFound`."""
        with queue_errors():
            listed = self._ledger.listing.campaigns([campaign_id]) if is_campaign_id(campaign_id) else []
            if not listed:
                raise CampaignNotFound(campaign_id)
            campaign = listed[0]
            overview = self._overview()
            pages = max(1, -(-campaign.batches // BATCHES_ON_A_PAGE))
            page = min(max(page, 1), pages)
            numbers = range((page - 1) * BATCHES_ON_A_PAGE, min(page * BATCHES_ON_A_PAGE, campaign.batches))
            transitions, transitions_total = self._ledger.reading.latest_transitions(campaign_id, TRANSITIONS_SHOWN)
            return CampaignDetail(
                shown=self._shown([campaign], overview)[0],
                overview=overview,
                batches=list(self._ledger.reading.batches(campaign_id, numbers)),
                page=page,
                pages=pages,
                outlines=self._ledger.listing.outlines(campaign_id, range(min(campaign.batches, BATCHES_LOOKED_INTO))),
                transitions=transitions,
                transitions_total=transitions_total,
                reject_reasons=self._reject_reasons(campaign_id, campaign.summary.counts["rejected"]),
                waits=self._waiting.waits_of([campaign_id]).get(campaign_id, ()),
            )

    def figures(self) -> Figures:
        """Return the metrics. The time does not depend on the number of campaigns and streams."""
        with queue_errors():
            overview = self._overview()
            names = [*(dispatch_queue(account.name) for account in overview.accounts), STATUS_QUEUE]
            return Figures(
                messages=self._ledger.reading.messages_by_state(),
                queues={name: int(self._client.llen(name)) for name in names},
                alarms=self._ledger.reading.alarms(),
                overview=overview,
                accounts=self._accounts.figures(),
                waiting=self._campaigns_waiting(),
                streams=self._streams.read(),
            )

    def overview(self) -> Overview:
        """Return the current overview."""
        with queue_errors():
            return self._overview()

    def _campaigns_waiting(self) -> Counter[tuple[str, WaitReason]]:
        campaigns = self._waiting.open_campaigns()[-CAMPAIGNS_COUNTED:]
        # Each batch of hundreds of campaigns is too much for a page that is read every few seconds.
        waits = self._waiting.foremost_of(campaigns, singly=0)
        return Counter((wait.account_name, wait.reason) for wait in waits.values())

    def _overview(self) -> Overview:
        return Overview(self._accounts.now(), self._ledger.due_indexes.now())

    def _shown(self, listed: Sequence[ListedCampaign], overview: Overview) -> list[ShownCampaign]:
        waits = self._waiting.foremost_of([campaign.summary.campaign_id for campaign in listed])
        return [self._row(campaign, waits.get(campaign.summary.campaign_id), overview) for campaign in listed]

    def _row(self, listed: ListedCampaign, wait: Wait | None, overview: Overview) -> ShownCampaign:
        summary = listed.summary
        scheduled = listed.start_at is not None and listed.start_at > overview.now
        sent = summary.counts["finished"] + (0 if scheduled else summary.counts["submitted"])
        return ShownCampaign(
            listed=listed,
            sent=sent,
            scheduled=scheduled,
            progress=progress_of(summary.counts, listed.reported, scheduled=scheduled),
            rate=None if summary.state.final else self._rates.of(summary.campaign_id, sent, overview.now.timestamp()),
            age=(overview.now - summary.accepted_at).total_seconds(),
            waits_for=wait,
        )

    def _read_reject_reasons(self, campaign_id: str, _rejected: int) -> Sequence[tuple[str, int]]:
        """Return the reject codes with their counts, the most frequent first, and nothing else of a reject.

        A campaign with more rejects than before is read anew.
        """
        rows = islice(self._ledger.reading.rejects(campaign_id), REJECTS_LOOKED_INTO)
        return Counter(Reject.from_json(row).code.value for row in rows).most_common()
