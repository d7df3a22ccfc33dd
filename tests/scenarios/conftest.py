from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bsg_sandbox.server import Sandbox
from tests.scenarios.stage import Stage
from tests.servers import RedisServer


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One set of processes, on a server of their own, for all scenarios that kill nothing."""
    directory = tmp_path_factory.mktemp("running")
    with (
        RedisServer(directory / "redis") as server,
        Sandbox() as sandbox,
        Stage(directory / "stage", server.url, sandbox) as stage,
    ):
        stage.processes.all(workers=2)
        yield stage


@pytest.fixture
def stage(running: Stage) -> Stage:
    """The running processes and a sandbox without faults."""
    running.sandbox.clear_faults()
    running.producer.open_gate()
    return running


@pytest.fixture
def own_stage(tmp_path: Path, redis_url: str) -> Iterator[Stage]:
    """A stage of the test's own, on which nothing runs yet."""
    with Sandbox() as sandbox, Stage(tmp_path / "stage", redis_url, sandbox) as stage:
        yield stage
