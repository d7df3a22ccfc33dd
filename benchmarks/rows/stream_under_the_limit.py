from __future__ import annotations

from statistics import quantiles

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER
from benchmarks.provider import Provider
from benchmarks.sending_threads import send_from_threads

RATE, RATE_IN_SHORT = 3_000, 300
SECONDS, SECONDS_IN_SHORT = 60, 10
LIMIT = "5/s"

ARRIVED, HALF, PERCENTILE, LONGEST = "share that arrived", "half, s", "99th percentile, s", "longest, s"


def _stream(measurement: Measurement) -> Figures:
    rate, seconds = measurement.size(RATE, RATE_IN_SHORT), measurement.size(SECONDS, SECONDS_IN_SHORT)
    count = rate * seconds
    provider = Provider(sink=False)
    with BenchmarkEnvironment(measurement.directory, provider, BSG_RATE_LIMIT=LIMIT, BSG_RATE_BURST="1") as environment:
        environment.send(campaigns=4, size=20)
        before = environment.provider.control.summary().messages
        sent = send_from_threads(environment.producer.stream("orders", sender=SENDER), count, rate=rate)
        environment.provider.wait_for(before + count)
        waits = [
            arrival.created_at - sent.at[reference_id]
            for arrival in environment.provider.control.arrivals()
            for reference_id in arrival.references
            if reference_id in sent.at
        ]
    hundredths = quantiles(waits, n=100)
    return {
        ARRIVED: len(waits) / count,
        HALF: hundredths[49],
        PERCENTILE: hundredths[98],
        LONGEST: max(waits),
    }


ROW = Row(
    what=f"messages of a stream under a limit of {LIMIT}: how long they wait",
    against="the limit",
    unit="s",
    sides=[Side("a stream", _stream)],
    goals=[
        Goal("share that arrived", ARRIVED, at_least=1, gross=1),
        Goal("longest wait, s", LONGEST, at_most=1, gross=10),
        Goal("99th percentile, s", PERCENTILE, at_most=0.5, gross=10),
    ],
    drawn=(HALF, PERCENTILE, LONGEST),
    note=(
        f"16 threads of one process send one message each, {RATE} a second together, for a minute. A message waits "
        "from the call of `send` until BSG has its request."
    ),
)
