"""What is killed loses nothing and sends nothing twice: some of what `make crash` does at every point."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_sandbox.server import Sandbox
from tests.failpoints.arming import arm
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment, scenario_in
from tests.servers import RedisServer

SUBMIT_POINTS = [
    "after script dispatch: prepare",
    "before script prepared",
    "after script prepared",
    "after script dispatch: send",
    "after POST send-individual",
    "after script taken",
]


@pytest.fixture(scope="module")
def attended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScenarioEnvironment]:
    """A scenario whose sweep, reconcile and beat run. Each test brings the worker that it kills."""
    with scenario_in(tmp_path_factory.mktemp("attended")) as scenario:
        scenario.processes.status()
        scenario.processes.beat()
        yield scenario


@pytest.fixture
def without_worker(attended: ScenarioEnvironment) -> Iterator[ScenarioEnvironment]:
    """The attended scenario, on which no worker is left over from the test before."""
    before = set(attended.processes.running)
    yield attended
    attended.sandbox.clear_faults()
    for process in set(attended.processes.running) - before:
        if process.alive:
            process.kill()


def test_a_worker_killed_while_its_post_is_on_the_wire(without_worker: ScenarioEnvironment) -> None:
    scenario = without_worker
    scenario.sandbox.fault("silence_after", times=1)
    worker = scenario.processes.worker()
    campaign = scenario.send(50)
    wait_until(lambda: scenario.arrivals(campaign), within=20, what="the POST to arrive")

    worker.kill()
    scenario.processes.worker()
    status = scenario.wait_for(campaign, "done", within=40)

    assert "lease ran out on the wire" in [transition.cause for transition in status.transitions]
    assert status.batches[0].attempts == 1
    scenario.assert_each_arrived_once(campaign, 50)


@pytest.mark.parametrize("point", SUBMIT_POINTS)
def test_a_worker_that_dies_at_a_point_is_recovered_from(
    without_worker: ScenarioEnvironment, point: str, tmp_path: Path
) -> None:
    scenario = without_worker
    dying = scenario.processes.worker(FAILPOINTS=str(arm(tmp_path / "armed", point)))
    campaign = scenario.send(50)
    wait_until(lambda: not dying.alive, within=20, what=f"the worker to die at {point}")
    _end_chunk_leases(scenario, campaign)

    scenario.processes.worker()
    scenario.wait_for(campaign, "done", within=40)

    scenario.assert_each_arrived_once(campaign, 50)


def test_what_a_worker_left_between_intent_and_post_is_sent_again(
    without_worker: ScenarioEnvironment, tmp_path: Path
) -> None:
    scenario = without_worker
    dying = scenario.processes.worker(FAILPOINTS=str(arm(tmp_path / "armed", "before POST send-individual")))
    campaign = scenario.send(5)
    wait_until(lambda: not dying.alive, within=20, what="the worker to die")

    scenario.processes.worker()
    status = scenario.wait_for(campaign, "done", within=60)

    assert status.batches[0].attempts == 2
    scenario.assert_each_arrived_once(campaign, 5)


@pytest.mark.server_kinds("valkey", "redis")
def test_redis_killed_and_restarted_in_mid_campaign(own_redis_server: RedisServer, tmp_path: Path) -> None:
    with Sandbox() as sandbox, ScenarioEnvironment(tmp_path / "scenario", own_redis_server.url, sandbox) as scenario:
        sandbox.fault("latency", seconds=0.2)
        scenario.processes.all(workers=2)
        campaign = scenario.send(2000)
        wait_until(lambda: scenario.count(campaign, "submitted") > 0, within=20, what="the first batch")

        own_redis_server.kill()
        own_redis_server.start()
        _decide_doubts(scenario, campaign, 2000)

        scenario.assert_each_arrived_once(campaign, 2000)


def test_beat_started_twice_does_no_harm(own_scenario: ScenarioEnvironment) -> None:
    own_scenario.processes.all()
    own_scenario.processes.beat().wait_until_ready()
    campaign = own_scenario.send(250)

    status = own_scenario.wait_for(campaign, "done", within=30)

    assert [batch.attempts for batch in status.batches] == [1, 1, 1]
    own_scenario.assert_each_arrived_once(campaign, 250)


def _end_chunk_leases(scenario: ScenarioEnvironment, campaign: str) -> None:
    """Time passes by ageing what is stored: a chunk's lease is a minute."""
    settings = Settings.from_environment(scenario.processes.settings)
    client: Any = connect(settings)
    for chunk in client.zrange(f"bsg:campaign:{campaign}:chunks", 0, -1):
        client.zadd(f"bsg:campaign:{campaign}:chunks", {chunk: 1})
        client.hset(f"bsg:campaign:{campaign}:chunk:{chunk.decode()}", "lease_until", 1)
        client.zadd(f"bsg:account:{settings.account.id}:due", {campaign: 1}, xx=True)


def _decide_doubts(scenario: ScenarioEnvironment, campaign: str, count: int) -> None:
    """Until the campaign is done; batches that need an operator are decided by the sandbox's record."""

    def done() -> bool:
        scenario.processes.restart_what_ended()
        status = scenario.status(campaign)
        for batch in status.batches:
            if batch.needs_operator and batch.state == "unconfirmed":
                scenario.producer.resolve(batch.id, not_sent=True)
        return status.state == "done" and status.counts["finished"] == count

    try:
        wait_until(done, within=100, what="the campaign to be done")  # a chunk may have to wait for its lease
    except AssertionError as error:
        raise AssertionError(f"{error}\n{scenario.status(campaign)}\n{scenario.processes.logs()}") from None
