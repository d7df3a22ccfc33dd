from __future__ import annotations

import time
from pathlib import Path

from tests.failpoints.arming import arm
from tests.processes import wait_until

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER, messages
from benchmarks.provider import Provider

LEASE = 6.0
KILLS, KILLS_IN_SHORT = 4, 1
_GIVEN_UP_AFTER = 60.0

FOUND = "found at BSG"


def _side(figure: str, failpoint: str, recovered: str) -> Side:
    """`recovered`: the state that the batch enters when somebody else has dealt with it."""

    def measure(measurement: Measurement) -> Figures:
        armed = measurement.directory / "armed"
        with BenchmarkEnvironment(
            measurement.directory,
            Provider(sink=False),
            LEASE_SECONDS=f"{LEASE:g}",
            BSG_CONNECT_TIMEOUT="0.5",
            BSG_READ_TIMEOUT="1.5",
            FAILPOINTS=str(armed),
        ) as environment:
            kills = measurement.size(KILLS, KILLS_IN_SHORT)
            after_lease = [_seconds_after_lease(environment, armed, failpoint, recovered) for _ in range(kills)]
        return {figure: max(after_lease)}

    return Side(figure, measure)


def _seconds_after_lease(environment: BenchmarkEnvironment, armed: Path, failpoint: str, recovered: str) -> float:
    arm(armed, failpoint)
    campaign = environment.producer.enqueue(messages(10), sender=SENDER).campaign_id
    wait_until(
        lambda: not all(process.alive for process in environment.processes.running),
        within=_GIVEN_UP_AFTER, pause=0.002, what="a worker to die",
    )  # fmt: skip
    died = time.time()

    def times() -> list[float]:
        transitions = environment.producer.status(campaign).transitions
        later = [each for each in transitions if each.to_state == recovered and each.when.timestamp() > died]
        return [each.when.timestamp() for each in later]

    wait_until(times, within=_GIVEN_UP_AFTER, pause=0.05, what=f"the batch to be {recovered}")
    environment.processes.restart_what_ended()
    return times()[0] - died - LEASE


ROW = Row(
    what="seconds from SIGKILL of a worker to its batch found at BSG, less the lease",
    against="the lease",
    unit="s after the lease",
    sides=[
        _side(FOUND, "after POST send-individual", "submitted"),
    ],
    goals=[Goal(FOUND, FOUND, at_most=2.0, gross=10.0)],
    note=(
        f"The slowest of {KILLS} kills, with BSG's response read but not recorded. The lease is "
        f"{LEASE:g} s instead of 600, and the timeouts towards BSG fit it; everything else is as shipped."
    ),
)
