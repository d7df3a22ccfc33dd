"""The metrics of streams, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from bsg_monitor.stream_figures import StreamFigures


def metrics_of_streams(figures: StreamFigures) -> Iterator[Metric]:
    streams = GaugeMetricFamily("bsg_streams", "Streams of the ledger")
    streams.add_metric([], figures.total)
    yield streams
    waiting = _gauge("bsg_stream_waiting", "Messages of the stream that wait to be sent")
    oldest = _gauge("bsg_stream_oldest_waiting_seconds", "How long the oldest of them has waited; 0 if none waits")
    paused = _gauge("bsg_stream_paused", "1 while the stream is paused")
    accepted = CounterMetricFamily(
        "bsg_stream_accepted", "Messages that the stream has accepted since Flower started", labels=["stream"]
    )
    for stream in figures.measured:
        waiting.add_metric([stream.name], stream.waiting)
        oldest.add_metric([stream.name], stream.oldest_waiting)
        paused.add_metric([stream.name], float(stream.paused))
        accepted.add_metric([stream.name], stream.accepted)
    yield from (waiting, oldest, paused, accepted)


def _gauge(name: str, meaning: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=["stream"])
