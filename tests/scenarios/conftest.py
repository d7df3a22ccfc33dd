from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bsg_sandbox.server import Sandbox
from tests.scenarios.environment import ScenarioEnvironment, scenario_in

SECOND = "live_second"  # the key of another account than the one without a name


@pytest.fixture(scope="module")  # processes that only wait take processor time from other tests
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScenarioEnvironment]:
    """One set of processes, on a server of their own, for the scenarios of a file that kill nothing."""
    settings = {"BSG_API_KEY__SECOND": SECOND, "BSG_DUPLICATE_WINDOW__SECOND": "0"}
    with scenario_in(tmp_path_factory.mktemp("running"), **settings) as scenario:
        scenario.sandbox.put_account(SECOND)
        scenario.processes.all(workers=2)
        yield scenario


@pytest.fixture
def scenario(running: ScenarioEnvironment) -> ScenarioEnvironment:
    """The running processes with nothing to send, and a sandbox without faults."""
    running.sandbox.clear_faults()
    running.producer.open_gate()
    running.wait_until_all_is_sent()
    return running


@pytest.fixture
def own_scenario(tmp_path: Path, redis_url: str) -> Iterator[ScenarioEnvironment]:
    """A scenario of the test's own, on which nothing runs yet."""
    with Sandbox() as sandbox, ScenarioEnvironment(tmp_path / "scenario", redis_url, sandbox) as scenario:
        yield scenario
