from __future__ import annotations

from collections.abc import Iterator

import pytest

from bsg_sandbox.server import Sandbox
from tests.scenarios.environment import ScenarioEnvironment
from tests.servers import RedisServer


@pytest.fixture(scope="package")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScenarioEnvironment]:
    """Workers for the campaigns of all example apps."""
    directory = tmp_path_factory.mktemp("examples")
    with (
        RedisServer(directory / "redis") as server,
        Sandbox() as sandbox,
        ScenarioEnvironment(directory / "scenario", server.url, sandbox) as scenario,
    ):
        scenario.processes.all()
        yield scenario
