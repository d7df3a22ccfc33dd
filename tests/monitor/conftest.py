from __future__ import annotations

from collections.abc import Iterator

import pytest

from bsg_sandbox.server import Sandbox
from tests.monitor.flower_process import FlowerProcess, Visitor
from tests.scenarios.stage import Stage
from tests.servers import RedisServer


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A ledger and workers of this package's own; each test sends campaigns of its own."""
    directory = tmp_path_factory.mktemp("watched")
    with (
        RedisServer(directory / "redis") as server,
        Sandbox() as sandbox,
        Stage(directory / "stage", server.url, sandbox, CAMPAIGN_BATCH_SIZE="10", BSG_DUPLICATE_WINDOW="0") as stage,
    ):
        stage.processes.all()
        yield stage


@pytest.fixture(scope="package")
def flower(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowerProcess]:
    """A Flower whose buttons may be pressed, without a login."""
    settings = {**stage.processes.settings, "FLOWER_READ_ONLY": "false"}
    with FlowerProcess(tmp_path_factory.mktemp("flower"), settings) as flower:
        yield flower


@pytest.fixture
def visitor(flower: FlowerProcess) -> Visitor:
    return Visitor(flower)
