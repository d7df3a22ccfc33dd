"""A million messages through this project, as several rows send them."""

from __future__ import annotations

from benchmarks.comparing import Measurement
from benchmarks.environment import BenchmarkEnvironment, Way
from benchmarks.provider import Provider

CAMPAIGN_SIZE = 50_000
CAMPAIGNS, CAMPAIGNS_IN_SHORT = 20, 4

FROM_COMMIT = "this project, from the last commit"
FROM_ENQUEUE = "this project, from the first enqueue"


def sent(measurement: Measurement, *, latency: float = 0.0) -> Way:
    """Return the campaigns, by two workers that have warmed up; BSG responds after `latency` seconds."""
    with BenchmarkEnvironment(measurement.directory, Provider(latency=latency)) as environment:
        environment.warm_up()
        return environment.send(campaigns=measurement.size(CAMPAIGNS, CAMPAIGNS_IN_SHORT), size=CAMPAIGN_SIZE)


def figures(way: Way) -> dict[str, float]:
    return {FROM_COMMIT: way.rate_from_commit, FROM_ENQUEUE: way.rate_from_enqueue}
