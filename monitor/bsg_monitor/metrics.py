"""Campaign metrics beside Flower's own, in the same `/metrics`: read from the ledger when somebody asks.

No label has a campaign: their number is not bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bsg_config.queues import STATUS_QUEUE, WORKER_QUEUES
from bsg_monitor.observer import Figures
from bsg_producer.errors import BSGCampaignsError
from bsg_worker.measurements import SECONDS, Histogram


class CampaignMetrics(Collector):
    """`figures` reads the ledger. Where it cannot be read, `bsg_ledger_up` is 0 and alone."""

    def __init__(self, figures: Callable[[], Figures]) -> None:
        self._figures = figures

    def describe(self) -> Iterator[Metric]:
        """Nothing is read when the collector is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        try:
            figures = self._figures()
        except BSGCampaignsError:
            figures = None
        yield _gauge("bsg_ledger_up", "1 if the ledger could be read", 0.0 if figures is None else 1.0)
        if figures is not None:
            yield from _of_ledger(figures)
            yield from _of_account(figures)


def _of_ledger(figures: Figures) -> Iterator[Metric]:
    messages = GaugeMetricFamily("bsg_messages", "Messages of all campaigns that the ledger has", labels=["state"])
    for state, count in figures.messages.items():
        messages.add_metric([state], count)
    yield messages
    queues = GaugeMetricFamily("bsg_queue_length", "Doorbells that wait for a worker", labels=["queue"])
    for name in (*WORKER_QUEUES, STATUS_QUEUE):
        queues.add_metric([name], figures.queues[name])
    yield queues
    yield _gauge(
        "bsg_oldest_due_seconds", "How long the batch has waited that is due longest", figures.oldest_due_seconds
    )
    alarms = CounterMetricFamily("bsg_alarms", "How often something was found that must not be")
    alarms.add_metric([], figures.alarms)
    yield alarms


def _of_account(figures: Figures) -> Iterator[Metric]:
    account = figures.account
    if account is None:
        return
    yield _gauge("bsg_gate_open", "0 while nothing may leave for this account", float(account.gate_open))
    yield _gauge("bsg_batches_in_doubt", "Batches of which nobody knows yet whether BSG took them", account.in_doubt)
    yield _gauge("bsg_cooling_seconds", "For how long the account still cools down", account.cooling_seconds)
    submissions = CounterMetricFamily("bsg_submissions", "Requests to BSG by what came of them", labels=["outcome"])
    for outcome, count in account.measured.submissions.items():
        submissions.add_metric([outcome], count)
    yield submissions
    yield _histogram("bsg_post_seconds", "How long BSG takes to answer a campaign", account.measured.post_seconds)
    yield _histogram(
        "bsg_slot_wait_seconds",
        "How long requests wait for their slot of the limit",
        account.measured.slot_wait_seconds,
    )


def _gauge(name: str, meaning: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, meaning)
    family.add_metric([], value)
    return family


def _histogram(name: str, meaning: str, histogram: Histogram) -> Metric:
    family = HistogramMetricFamily(name, meaning)
    buckets, count = [], 0
    for end, alone in zip((*map(str, SECONDS), "+Inf"), histogram.counts, strict=True):
        count += alone
        buckets.append((end, count))
    family.add_metric([], buckets, sum_value=histogram.total)
    return family
