from __future__ import annotations

import time

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER, messages
from benchmarks.provider import Provider
from bsg_ledger import schema

BATCHES, BATCHES_IN_SHORT = 10_000, 500
BATCHES_A_CAMPAIGN = 100
INTERVALS, INTERVALS_IN_SHORT = 40, 5
INTERVAL = 15.0  # as shipped
FASTER = 5  # ten minutes in two
_SENT_WITHIN = 900.0

REQUESTS = "requests"
SHARE = "requests, as a share of one per batch and interval"
MAX_UNREAD = "longest that a batch was not read (intervals)"


def _project(measurement: Measurement) -> Figures:
    batches = measurement.size(BATCHES, BATCHES_IN_SHORT)
    intervals = measurement.size(INTERVALS, INTERVALS_IN_SHORT)
    interval = INTERVAL / FASTER
    with BenchmarkEnvironment(
        measurement.directory,
        Provider(sink=False),
        CAMPAIGN_BATCH_SIZE="1",
        BSG_POLL_INTERVAL=f"{interval:g}",
        BSG_STATUS_RATE_LIMIT=f"{2 * FASTER}/s",
    ) as environment:
        environment.provider.control.configure(sending_seconds=1e9)
        for first in range(0, batches, BATCHES_A_CAMPAIGN):
            environment.producer.enqueue(messages(BATCHES_A_CAMPAIGN, first=first), sender=SENDER)
        environment.provider.wait_for(batches)
        began = time.monotonic()
        time.sleep(intervals * interval)
        ended = time.monotonic()
        reads = [
            seen for seen in environment.provider.control.requests() if seen.method == "GET" and seen.time >= began
        ]
        longest = _longest_unread(environment)
    requests = len([seen for seen in reads if seen.time < ended])
    return {
        REQUESTS: requests,
        SHARE: requests / (batches * intervals),
        MAX_UNREAD: longest / interval,
    }


def _longest_unread(environment: BenchmarkEnvironment) -> float:
    """Return the seconds since the look at the batch that has waited longest for its next one."""
    with environment.redis.client() as client:
        now, _ = client.time()
        keys = [key for key in client.scan_iter(schema.BATCH("*", "*"), count=1000) if not key.endswith(b":messages")]
        pipe = client.pipeline(transaction=False)
        for key in keys:
            pipe.hget(key, "polled_at")
        polled = [0 if moment is None else int(moment) / 1000 for moment in pipe.execute()]
    return float(now) - min(polled)


ROW = Row(
    what="requests to follow 10 000 live batches for ten minutes",
    against="one request per batch and interval",
    sides=[Side("this project", _project)],
    goals=[Goal("share", SHARE, at_most=0.01, gross=0.05)],
    note=(
        f"Batches of one message, all of them being sent at BSG all the time. Time is scaled by {FASTER}: the interval "
        f"is {INTERVAL / FASTER:g} s instead of {INTERVAL:g}, the rate of status requests {2 * FASTER}/s instead of "
        f"2/s, and {INTERVALS} intervals pass in two minutes. A batch is read every twentieth of its age, and at the "
        "interval at most often: after ten minutes that is every second interval."
    ),
)
