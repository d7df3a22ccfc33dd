from __future__ import annotations

from collections.abc import Iterator

import pytest

from bsg_sandbox.server import Sandbox
from tests.scenarios.stage import Stage
from tests.servers import RedisServer


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Workers for the campaigns of all example apps."""
    directory = tmp_path_factory.mktemp("examples")
    with (
        RedisServer(directory / "redis") as server,
        Sandbox() as sandbox,
        Stage(directory / "stage", server.url, sandbox) as stage,
    ):
        stage.processes.all()
        yield stage
