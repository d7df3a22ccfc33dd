from __future__ import annotations

from benchmarks import steps
from benchmarks.comparing import Figures, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import MESSAGES_A_BATCH
from benchmarks.processor_time import seconds_by_process
from benchmarks.provider import Provider
from bsg_config.settings import Settings

CAMPAIGN_SIZE = 50_000
CAMPAIGNS, CAMPAIGNS_IN_SHORT = 20, 2
BATCHES, BATCHES_IN_SHORT = 50, 10


def _steps(measurement: Measurement) -> Figures:
    with BenchmarkEnvironment(measurement.directory, Provider(), workers=0) as environment:
        settings = Settings.from_environment(environment.processes.settings)
        return steps.milliseconds(settings, measurement.size(BATCHES, BATCHES_IN_SHORT))


def _processes(measurement: Measurement) -> Figures:
    campaigns = measurement.size(CAMPAIGNS, CAMPAIGNS_IN_SHORT)
    with BenchmarkEnvironment(measurement.directory, Provider()) as environment:
        environment.warm_up()
        before = seconds_by_process(environment)
        environment.send(campaigns=campaigns, size=CAMPAIGN_SIZE)
        after = seconds_by_process(environment)
    batches = campaigns * CAMPAIGN_SIZE / MESSAGES_A_BATCH
    return {f"process: {name}": (after[name] - before[name]) * 1000 / batches for name in after}


ROW = Row(
    what="where the time of one batch of 10 000 goes",
    against="nothing: processor milliseconds, without latency",
    unit="ms a batch",
    sides=[Side("steps in one thread", _steps), Side("processes", _processes)],
    goals=[],
    note=(
        "The steps are those of one thread without Celery around them; what the processes took is measured with all of "
        "them at work, Celery and polling included."
    ),
)
