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
        "between two requests of one permit lie a slot of the rate limit and an intent that Redis has written to disk; "
        "the bare loop has the next body ready and asks nobody. From the first `enqueue` on, nothing can leave until "
        "the first campaign of 50 000 is accepted whole, and while the caller enqueues the rest it takes one of the "
        "two cores: each step of a request waits for the other."
    ),
)
