from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.monitor.flower_process import FlowerProcess, Visitor
from tests.scenarios.environment import ScenarioEnvironment, scenario_in


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScenarioEnvironment]:
    """A ledger and workers of this package's own; each test sends campaigns of its own."""
    settings = {"CAMPAIGN_BATCH_SIZE": "10", "BSG_DUPLICATE_WINDOW": "0", "SEARCH_KEY": "a secret of some length"}
    with scenario_in(tmp_path_factory.mktemp("watched"), **settings) as scenario:
        # A poll that finds a campaign done before its messages arrived is followed by the next one a minute later.
        scenario.sandbox.configure(delivery_seconds=0.0)
        scenario.processes.all()
        yield scenario


@pytest.fixture
def scenario(running: ScenarioEnvironment) -> ScenarioEnvironment:
    """The running workers with nothing to send."""
    running.wait_until_all_is_sent()
    return running


@pytest.fixture(scope="package")
def flower(running: ScenarioEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowerProcess]:
    """A Flower whose buttons may be pressed, without a login."""
    settings = {**running.processes.settings, "FLOWER_READ_ONLY": "false"}
    with FlowerProcess(tmp_path_factory.mktemp("flower"), settings) as flower:
        yield flower


@pytest.fixture
def visitor(flower: FlowerProcess) -> Visitor:
    return Visitor(flower)
