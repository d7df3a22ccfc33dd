from __future__ import annotations

from tests.failpoints.doors import watched
from tests.worker.harness import prepare_next

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import SENDER, messages
from benchmarks.provider import Provider
from bsg_config.settings import Settings
from bsg_producer import Producer
from bsg_worker import runtime
from bsg_worker.submit.dispatch import dispatch_work

BATCHES = 20

ROUND_TRIPS, WAITS = "round trips to Redis", "waits for its disk"


def _project(measurement: Measurement) -> Figures:
    with BenchmarkEnvironment(
        measurement.directory, Provider(), workers=0, CAMPAIGN_BATCH_SIZE="10"
    ) as environment, environment.redis.client() as client:  # fmt: skip
        # Each wait is then a command of its own, which can be counted.
        client.config_set("appendfsync", "everysec")
        settings = Settings.from_environment(environment.processes.settings)
        worker = runtime.build(settings)
        producer = Producer(settings)
        producer.enqueue(messages(10), sender=SENDER)
        dispatch_work(worker)  # logs in, and loads the scripts
        campaign = producer.enqueue(messages(10 * BATCHES), sender=SENDER).campaign_id
        while prepare_next(worker, campaign):
            pass
        effects: list[str] = []
        client.config_resetstat()
        with watched(effects.append):
            dispatch_work(worker)
        waits = int(client.info("commandstats")["cmdstat_waitaof"]["calls"])
    posts = [position for position, effect in enumerate(effects) if effect == "after POST send-individual"]
    between = effects[posts[0] + 1 : posts[-1]]
    asked = [effect for effect in between if effect.startswith(("before script", "before redis"))]
    return {ROUND_TRIPS: len(asked) / (len(posts) - 1), WAITS: waits / len(posts)}


ROW = Row(
    what="what a batch takes between two POSTs of one thread",
    against="nothing: each is time in which a permit is not on the wire",
    sides=[Side("this project", _project)],
    goals=[
        Goal(ROUND_TRIPS, ROUND_TRIPS, at_most=3, gross=6),
        Goal(WAITS, WAITS, at_most=1, gross=2),
    ],
    note=f"The average of {BATCHES} prepared batches: what was sent is recorded, and the next one dispatched.",
)
