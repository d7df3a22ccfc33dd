from __future__ import annotations

from collections import Counter

from tests.processes import wait_until

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER, messages, messages_to_one_phone
from benchmarks.provider import Provider

BATCHES, BATCHES_IN_SHORT = 1_000, 100
CAMPAIGNS, REQUESTS = 10, 200
PREPARED = 20  # requests, after which all campaigns have batches: the first ones are sent while others are prepared
WITHIN_SECONDS = 120

AHEAD = "requests of the large campaign before that of the small one"
AWAY = "requests that a campaign is away from its share, at most"


def _behind_a_large_one(measurement: Measurement) -> Figures:
    with BenchmarkEnvironment(
        measurement.directory, Provider(), BSG_RATE_LIMIT="6/m", BSG_RATE_BURST="1"
    ) as environment:
        producer, control = environment.producer, environment.provider.control
        producer.enqueue(messages_to_one_phone(measurement.size(BATCHES, BATCHES_IN_SHORT)), sender=SENDER)
        wait_until(lambda: control.summary().requests > 0, within=WITHIN_SECONDS, what="the first request")
        before = control.summary().requests
        small = producer.enqueue(messages(3), sender=SENDER).campaign_id

        def has_left() -> bool:
            counts = producer.status(small).counts
            return counts["unprepared"] + counts["pending"] + counts["posting"] == 0

        wait_until(has_left, within=WITHIN_SECONDS, what="the request of the small campaign")
        return {AHEAD: control.summary().requests - before - 1}


def _ten_campaigns(measurement: Measurement) -> Figures:
    with BenchmarkEnvironment(
        measurement.directory, Provider(), workers=1, in_flight=1, BSG_RATE_LIMIT="20/s", BSG_RATE_BURST="1"
    ) as environment:
        producer = environment.producer
        producer.shut_gate()
        some = 2 * REQUESTS // CAMPAIGNS
        campaigns = [producer.enqueue(messages_to_one_phone(some), sender=SENDER).campaign_id for _ in range(CAMPAIGNS)]
        producer.open_gate()
        environment.provider.wait_for(CAMPAIGNS * some)
        sent = sorted(
            (batch.submitted_at, campaign)
            for campaign in campaigns
            for batch in producer.status(campaign).batches
            if batch.submitted_at is not None
        )
    order = [campaign for _, campaign in sent][:REQUESTS]
    return {AWAY: max(_away(order[:requests], campaigns) for requests in range(PREPARED, REQUESTS + 1))}


def _away(order: list[str], campaigns: list[str]) -> float:
    counts = Counter(order)
    return max(abs(counts[campaign] - len(order) / len(campaigns)) for campaign in campaigns)


ROW = Row(
    what="how fairly campaigns share the limit",
    against="equal shares",
    unit="requests",
    sides=[
        Side("a small campaign behind a large one", _behind_a_large_one),
        Side(f"{CAMPAIGNS} campaigns of one priority", _ten_campaigns),
    ],
    goals=[
        Goal("requests before that of a small campaign behind a large one", AHEAD, at_most=0, gross=5),
        Goal("requests away from an equal share", AWAY, at_most=1, gross=5),
    ],
    note=(
        "A campaign of three messages is enqueued behind one of 1 000 batches at 6/m, after its first request. "
        "Then ten campaigns become ready together. After each of 200 requests, from the twentieth on, a campaign "
        "has its tenth of them, or is so many requests away from it."
    ),
)
