from __future__ import annotations

import redis

from benchmarks.comparing import Figures, Goal, Measurement, Row, Side
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.messages import MESSAGES_A_BATCH, SENDER, messages
from benchmarks.provider import Provider

BATCHES, BATCHES_IN_SHORT = 200, 20
BATCHES_A_CAMPAIGN = 5
SMALL_CAMPAIGNS, SMALL_CAMPAIGNS_IN_SHORT = 1_000, 100
SMALL = 10

WAITING = "a million messages that wait (MiB)"
SENT = "a million messages that were sent (MiB)"
OF_A_BATCH = "Redis's processor for a batch of 10 000 (ms)"
OF_A_SMALL_CAMPAIGN = "Redis's processor for a campaign of 10 (ms)"
BATCHES_A_SECOND = "batches of 10 000 a second, by the processor"
SMALL_CAMPAIGNS_A_SECOND = "campaigns of 10 a second, by the processor"


def _project(measurement: Measurement) -> Figures:
    batches = measurement.size(BATCHES, BATCHES_IN_SHORT)
    campaigns = measurement.size(SMALL_CAMPAIGNS, SMALL_CAMPAIGNS_IN_SHORT)
    with BenchmarkEnvironment(measurement.directory, Provider()) as environment, environment.redis.client() as client:
        environment.warm_up()
        empty = _memory_mib(client)
        of_a_batch = _of_each(environment, client, batches // BATCHES_A_CAMPAIGN, BATCHES_A_CAMPAIGN * MESSAGES_A_BATCH)
        of_a_batch /= BATCHES_A_CAMPAIGN
        millions = batches * MESSAGES_A_BATCH / 1e6
        sent = (_memory_mib(client) - empty) / millions
        of_a_small_campaign = _of_each(environment, client, campaigns, SMALL)
        for process in environment.processes.running:
            process.kill()
        before = _memory_mib(client)
        for _ in range(batches // BATCHES_A_CAMPAIGN):
            environment.producer.enqueue(messages(BATCHES_A_CAMPAIGN * MESSAGES_A_BATCH), sender=SENDER)
        waiting = (_memory_mib(client) - before) / millions
    return {
        WAITING: waiting,
        SENT: sent,
        OF_A_BATCH: of_a_batch,
        OF_A_SMALL_CAMPAIGN: of_a_small_campaign,
        BATCHES_A_SECOND: 1000 / of_a_batch,
        SMALL_CAMPAIGNS_A_SECOND: 1000 / of_a_small_campaign,
    }


def _of_each(environment: BenchmarkEnvironment, client: redis.Redis, campaigns: int, size: int) -> float:
    """Milliseconds of Redis's processor for each campaign, from its acceptance to BSG's response."""
    before = _processor_seconds(client)
    environment.send(campaigns=campaigns, size=size)
    return (_processor_seconds(client) - before) * 1000 / campaigns


def _processor_seconds(client: redis.Redis) -> float:
    used = client.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def _memory_mib(client: redis.Redis) -> float:
    return float(client.info("memory")["used_memory_dataset"]) / 2**20


ROW = Row(
    what="what one Redis carries",
    against="one core and its memory",
    sides=[Side("this project", _project)],
    goals=[Goal("processor for a campaign of 10 (ms)", OF_A_SMALL_CAMPAIGN, at_most=0.5, gross=10)],
    if_not_met=(
        "a campaign of ten runs five scripts with 173 calls, and the scripts take three quarters of the time. On slow "
        "cores (2.5 GHz) a call takes 0.002 ms besides its command, the commands of a campaign take 0.5 ms, and a "
        "script takes 0.015 to 0.035 ms to start, because Redis creates its functions again at each call. The six "
        "events, each in the campaign's stream and in the feed, take 0.1 ms. Requests, replies and the file take the "
        "rest. 0.5 ms is the time of about 60 calls: acceptance, lease, preparation, dispatch and record would "
        "have to be one or two scripts."
    ),
    note=(
        "From acceptance to BSG's response, polling left out. Redis does one thing at a time: what its processor takes "
        "for each bounds how many there can be in a second, on a disk that keeps up with writing before each response. "
        "Sent messages are kept until BODY_RETENTION is over."
    ),
)
