"""Clocks that are wrong by minutes hold nothing up."""

from __future__ import annotations

import pytest

from tests.scenarios.environment import ScenarioEnvironment


@pytest.mark.parametrize("clock_skew", [600, -600])
def test_a_status_worker_whose_clock_is_wrong_sweeps_and_polls_all_the_same(
    own_scenario: ScenarioEnvironment, clock_skew: int
) -> None:
    own_scenario.processes.worker()
    own_scenario.processes.status(clock_skew=clock_skew)
    own_scenario.processes.beat()
    campaign = own_scenario.send(5)

    own_scenario.wait_for(campaign, "done", within=40)

    own_scenario.assert_each_arrived_once(campaign, 5)
