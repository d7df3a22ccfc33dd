from __future__ import annotations

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.limits import bare_posts
from benchmarks.messages import MESSAGES_A_BATCH
from benchmarks.throughput import (
    CAMPAIGN_SIZE,
    CAMPAIGNS,
    CAMPAIGNS_IN_SHORT,
    FROM_COMMIT,
    FROM_ENQUEUE,
    figures,
    sent,
)

LATENCY = 0.1
BARE = "bare loop"


def _project(measurement: Measurement) -> Figures:
    return figures(sent(measurement, latency=LATENCY))


def _bare(measurement: Measurement) -> Figures:
    messages = CAMPAIGN_SIZE * measurement.size(CAMPAIGNS, CAMPAIGNS_IN_SHORT)
    return {BARE: bare_posts.measured(LATENCY, messages // MESSAGES_A_BATCH)}


ROW = Row(
    what="messages a second at 100 ms provider latency, 4 requests at once, 20 campaigns of 50 000",
    against="a bare `requests` loop in 4 threads that posts ready-made bodies",
    unit="messages/s",
    sides=[Side("this project", _project), Side("bare loop", _bare)],
    goals=[
        Goal("from the last commit", FROM_COMMIT, over=(BARE,), at_least=0.98, gross=0.1),
        Goal("from the first `enqueue`", FROM_ENQUEUE, over=(BARE,), at_least=0.95, gross=0.1),
    ],
    drawn=(FROM_COMMIT, FROM_ENQUEUE, BARE),
    if_not_met=(
        "the processor, not the wire. `time_of_a_batch` adds up to what a batch takes in all processes together: "
        "the cores of this machine divided by it are fewer batches a second than four requests at once could carry, "
        "and from the first `enqueue` on the caller's own share comes on top. The bare loop posts bodies that are "
        "ready and leaves one core idle. Most of it is unpacking, checking, writing as JSON and compressing, in "
        "both halves."
    ),
)
