from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.environment import ScenarioEnvironment, scenario_in


@pytest.fixture(scope="package")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScenarioEnvironment]:
    """Workers for the campaigns of all example apps."""
    with scenario_in(tmp_path_factory.mktemp("examples")) as scenario:
        scenario.processes.all()
        yield scenario
