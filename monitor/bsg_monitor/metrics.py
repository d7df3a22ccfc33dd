"""Campaign metrics in addition to Flower's own, in the same `/metrics`. They are read from the ledger on request.

No label has a campaign: their number is not bounded. That of streams with metrics of their own is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.measurements import SECONDS, Histogram
from bsg_ledger.waiting import WaitReason
from bsg_messages.errors import BSGCampaignsError
from bsg_monitor.observer import Figures
from bsg_monitor.stream_metrics import metrics_of_streams

_HELD_AT_BSG = {DueIndex.PAUSED_AT_BSG: "paused", DueIndex.IN_MODERATION: "moderation", DueIndex.SPAM_AT_BSG: "spam"}


class CampaignMetrics(Collector):
    """`figures` reads the ledger. Where it cannot be read, `bsg_ledger_up` is 0 and alone."""

    def __init__(self, figures: Callable[[], Figures]) -> None:
        self._figures = figures

    def describe(self) -> Iterator[Metric]:
        """Return nothing, so that registering the collector does not read the ledger."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        try:
            figures = self._figures()
        except BSGCampaignsError:
            figures = None
        up = GaugeMetricFamily("bsg_ledger_up", "1 if the ledger could be read")
        up.add_metric([], 0.0 if figures is None else 1.0)
        yield up
        if figures is not None:
            yield from _of_ledger(figures)
            yield from _of_accounts(figures)
            yield from metrics_of_streams(figures.streams)


def _of_ledger(figures: Figures) -> Iterator[Metric]:
    messages = GaugeMetricFamily("bsg_messages", "Messages of all campaigns that the ledger has", labels=["state"])
    for state, count in figures.messages.items():
        messages.add_metric([state], count)
    yield messages
    queues = GaugeMetricFamily("bsg_queue_length", "Messages that wait for a worker", labels=["queue"])
    for name, length in figures.queues.items():
        queues.add_metric([name], length)
    yield queues
    alarms = CounterMetricFamily("bsg_alarms", "Alarms: how often something was found that must never happen")
    alarms.add_metric([], figures.alarms)
    yield alarms


def _of_accounts(figures: Figures) -> Iterator[Metric]:
    overview = figures.overview
    due = _gauge("bsg_oldest_due_seconds", "How long the batch that has been due for longest has waited")
    for account in overview.accounts:
        due.add_metric([account.name], max(0.0, overview.waited(account.oldest_due)))
    yield due
    waiting = GaugeMetricFamily(
        "bsg_campaigns_waiting", "Open campaigns by the reason for which they wait", labels=["account", "reason"]
    )
    names = {account.name for account in overview.accounts} | {name for name, _ in figures.waiting}
    for name in sorted(names):
        for reason in WaitReason:
            if not reason.final:
                waiting.add_metric([name, reason], figures.waiting.get((name, reason), 0))
    yield waiting
    known = [
        (account, account.gate, figures.accounts[account.name])
        for account in overview.accounts
        if account.gate is not None and account.name in figures.accounts
    ]
    if not known:
        return
    gate = _gauge("bsg_gate_open", "0 while nothing may leave for this account, 0.5 while one batch at a time may")
    doubt = _gauge("bsg_batches_in_doubt", "Batches that BSG may or may not have taken")
    operator = _gauge("bsg_batches_need_operator", "Batches about which an operator has to decide")
    stops = _gauge("bsg_stops_waiting", "Cancelled campaigns that BSG has not stopped yet")
    at_bsg = GaugeMetricFamily(
        "bsg_batches_at_bsg",
        "Batches that BSG holds (paused, moderation), or has called spam within a day",
        labels=["account", "status"],
    )
    moderation = _gauge("bsg_longest_moderation_seconds", "For how long BSG has moderated the batch that waits longest")
    funds = _gauge(
        "bsg_funds",
        "Balance and credit of the account when they were last compared with its queue; NaN if they never were",
    )
    cost = _gauge("bsg_queued_cost", "What the messages that waited at that time will cost, by the prices seen")
    cooling = _gauge("bsg_cooling_seconds", "For how long the account still cools down")
    submissions = CounterMetricFamily(
        "bsg_submissions", "Requests to BSG by their outcome", labels=["account", "outcome"]
    )
    failed = CounterMetricFamily(
        "bsg_failed_requests",
        "Requests that BSG failed, reads included, by the kind of failure",
        labels=["account", "kind"],
    )
    posts = _histogram("bsg_post_seconds", "How long BSG takes to respond to a campaign")
    slots = _histogram("bsg_slot_wait_seconds", "How long requests wait for their slot of the limit")
    for account, state, account_figures in known:
        gate.add_metric([account.name], 0.5 if state.half_open else float(state.open))
        doubt.add_metric([account.name], account_figures.waiting[DueIndex.DOUBT])
        operator.add_metric([account.name], account_figures.waiting[DueIndex.NEEDS_OPERATOR])
        stops.add_metric([account.name], account_figures.waiting[DueIndex.STOPS])
        for index, status in _HELD_AT_BSG.items():
            at_bsg.add_metric([account.name, status], account_figures.waiting[index])
        funds.add_metric(
            [account.name], math.nan if account_figures.funds is None else float(account_figures.funds.available)
        )
        cost.add_metric(
            [account.name], math.nan if account_figures.funds is None else float(account_figures.funds.queued_cost)
        )
        moderation.add_metric([account.name], account_figures.longest_moderation)
        cooling.add_metric([account.name], account.cooling_for)
        for outcome, count in account_figures.measured.submissions.items():
            submissions.add_metric([account.name, outcome], count)
        for kind, count in account_figures.failed.items():
            failed.add_metric([account.name, kind], count)
        _observe(posts, account.name, account_figures.measured.post_seconds)
        _observe(slots, account.name, account_figures.measured.slot_wait_seconds)
    yield from (
        gate,
        doubt,
        operator,
        stops,
        at_bsg,
        moderation,
        funds,
        cost,
        cooling,
        submissions,
        failed,
        posts,
        slots,
    )


def _gauge(name: str, meaning: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=["account"])


def _histogram(name: str, meaning: str) -> HistogramMetricFamily:
    return HistogramMetricFamily(name, meaning, labels=["account"])


def _observe(family: HistogramMetricFamily, account: str, histogram: Histogram) -> None:
    buckets, count = [], 0
    for end, alone in zip((*map(str, SECONDS), "+Inf"), histogram.counts, strict=True):
        count += alone
        buckets.append((end, count))
    family.add_metric([account], buckets, sum_value=histogram.total)
