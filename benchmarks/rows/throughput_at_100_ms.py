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
        Goal("from the last commit, two slow cores", FROM_COMMIT, over=(BARE,), at_least=0.95, gross=0.05),
        Goal("from the last commit, two fast cores", FROM_COMMIT, over=(BARE,), at_least=0.98),
        Goal("from the first `enqueue`, two slow cores", FROM_ENQUEUE, over=(BARE,), at_least=0.85, gross=0.05),
        Goal("from the first `enqueue`, two fast cores", FROM_ENQUEUE, over=(BARE,), at_least=0.95),
    ],
    drawn=(FROM_COMMIT, FROM_ENQUEUE, BARE),
    if_not_met=(
        "the two cores are busy. On slow cores (2.5 GHz, shared with another machine) a batch takes 21 ms of "
        "processor time in `enqueue`, 42 ms in the workers, 4 ms in Redis and 3 ms in the sandbox "
        "(`time_of_a_batch`). Four requests at 100 ms need one batch every 27 ms. This takes 2.6 cores while the "
        "caller enqueues and 1.8 cores after the last commit. On fast cores the same takes 10, 24, 4 and 3 ms: 1.6 "
        "cores while the caller enqueues, and 1.2 cores after the last commit. The rest of the gap is the wait for "
        "Redis between two requests of a permit: 2 ms if Redis's file is in memory, 10 ms on a disk that other "
        "processes write to. After the last commit, 3.7 of the 4 requests are on the wire with the file in memory, "
        "and 3.2 with that disk."
    ),
)
