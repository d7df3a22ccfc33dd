"""Clocks that are wrong by minutes hold nothing up."""

from __future__ import annotations

import pytest

from tests.scenarios.stage import Stage


@pytest.mark.parametrize("clock_skew", [600, -600])
def test_a_status_worker_whose_clock_is_wrong_sweeps_and_polls_all_the_same(own_stage: Stage, clock_skew: int) -> None:
    own_stage.processes.worker()
    own_stage.processes.status(clock_skew=clock_skew)
    own_stage.processes.beat()
    campaign = own_stage.send(5)

    own_stage.wait_for(campaign, "done", within=40)

    own_stage.assert_each_arrived_once(campaign, 5)
