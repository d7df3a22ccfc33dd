"""CLIENT LIST of the Redis of a whole installation: each connection names its process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import redis

from bsg_config.connection_names import name_of_process
from bsg_config.settings import Settings
from bsg_producer import AsyncProducer
from tests.monitor.flower_process import FlowerProcess, Visitor
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment, scenario_in


def test_each_process_is_known_by_the_name_of_its_connections(tmp_path: Path) -> None:
    with scenario_in(tmp_path) as scenario, FlowerProcess(tmp_path / "flower", scenario.processes.settings) as flower:
        scenario.processes.all()
        scenario.wait_for(scenario.send(3), "done")
        assert Visitor(flower).get("/campaigns").status == 200
        asyncio.run(_ask_asynchronously(scenario))
        following = _follow_events(scenario)
        try:
            wait_until(lambda: names("cli") & set(_names(scenario)), what="the command line")
            with redis.Redis.from_url(scenario.redis_url, client_name="observer") as client:
                connections = client.client_list()
        finally:
            following.terminate()
            following.wait(10)

    shown = [one["name"] for one in connections]
    assert names("worker0", "status1", "beat", "flower", "producer", "cli") <= set(shown)
    unnamed = [one for one in connections if not one["name"]]
    assert unnamed == []
    broker = {one["name"] for one in connections if one["cmd"] == "brpop"}
    assert names("worker0", "status1") <= broker


def names(*roles: str) -> set[str]:
    return {f"bsg-{name_of_process(role)}" for role in roles}


def _names(scenario: ScenarioEnvironment) -> list[str]:
    with redis.Redis.from_url(scenario.redis_url) as client:
        return [one["name"] for one in client.client_list()]


async def _ask_asynchronously(scenario: ScenarioEnvironment) -> None:
    async with AsyncProducer(Settings.from_environment(scenario.processes.settings)) as producer:
        await producer.gate()


def _follow_events(scenario: ScenarioEnvironment) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bsg_cli", "events", "--follow"]
    return subprocess.Popen(command, env={**os.environ, **scenario.processes.settings}, stdout=subprocess.DEVNULL)
