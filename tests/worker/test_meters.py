"""Metrics by OpenTelemetry's own SDK, beside those that Flower shows Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.metrics import set_meter_provider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from tests.security.secrets import FIRST_PHONE, TEMPLATE, messages, secrets_in
from tests.worker.harness import WorkerHarness


@pytest.fixture(scope="module")
def reader() -> InMemoryMetricReader:
    """What this process records until its end: the API lets it set its provider only once."""
    reader = InMemoryMetricReader()
    set_meter_provider(MeterProvider([reader]))
    return reader


def points(reader: InMemoryMetricReader) -> Mapping[tuple[str, str], Any]:
    """Return the points of our metrics by the metric's name and the outcome."""
    data = reader.get_metrics_data()
    return {
        (metric.name, str((point.attributes or {}).get("bsg.outcome", ""))): point
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        if scope.scope.name == "bsg_campaigns"
        for metric in scope.metrics
        for point in metric.data.data_points
    }


def test_accepted_messages_and_requests_are_recorded_by_account(
    harness: WorkerHarness, reader: InMemoryMetricReader
) -> None:
    def recorded(name: str, outcome: str = "", what: str = "count") -> Any:
        return getattr(points(reader).get((name, outcome)), what, 0)

    before = recorded("bsg.messages.accepted", what="value"), recorded("bsg.post.duration", "taken")
    harness.producer.enqueue(messages(3), sender="MyShop", text=TEMPLATE, idempotency_key="k")
    harness.producer.enqueue(messages(3), sender="MyShop", text=TEMPLATE, idempotency_key="k")
    codes = harness.producer.stream("codes", sender="MyShop")
    codes.send({"phone": FIRST_PHONE, "text": "1234"}, idempotency_key="k")
    codes.send({"phone": FIRST_PHONE, "text": "1234"}, idempotency_key="k")
    list(codes.send_many([({"phone": FIRST_PHONE + 1, "text": "1234"}, None)]))
    for _ in range(5):
        harness.dispatch()

    assert recorded("bsg.messages.accepted", what="value") - before[0] == 5
    assert recorded("bsg.post.duration", "taken") - before[1] == 2
    point = points(reader)["bsg.post.duration", "taken"]
    assert point.attributes == {"bsg.account": "default", "bsg.outcome": "taken"}
    assert 0 < point.sum < 60
    assert points(reader)["bsg.slot.wait", ""].count >= 2
    assert secrets_in(str(points(reader))) == []
