"""Limits that hold across workers, measured at the sandbox."""

from __future__ import annotations

from itertools import combinations

from bsg_config.settings import Settings
from bsg_worker.submit.dispatch import MAX_SLEEP_SECONDS
from tests.scenarios.environment import ScenarioEnvironment

POST = "/api/campaigns/sms/send-individual"
ON_ITS_WAY_SECONDS = 0.5  # between a slot and the request's arrival, on a busy machine
SLOT_SECONDS = 2 * int(MAX_SLEEP_SECONDS)  # so long that no thread sleeps until the next slot: a worker is woken for it


def posts(scenario: ScenarioEnvironment) -> list[float]:
    return [request.time for request in scenario.sandbox.requests() if request.path == POST]


def test_a_low_rate_is_used_up_by_twenty_batches_and_starves_nobody(own_scenario: ScenarioEnvironment) -> None:
    own_scenario.processes.settings |= {
        "BSG_RATE_LIMIT": f"{60 // SLOT_SECONDS}/m",
        "BSG_RATE_BURST": "1",
        "CAMPAIGN_BATCH_SIZE": "10",
        "BSG_POLL_INTERVAL": "2",
        "SWEEP_INTERVAL": "2",
    }
    own_scenario.processes.all(workers=2)
    campaigns = [_small_batches(own_scenario, batches=5) for _ in range(4)]

    for campaign in campaigns:
        own_scenario.wait_for(campaign, "done", within=120)

    times = posts(own_scenario)
    assert len(times) == 20
    _assert_apart(times, SLOT_SECONDS)
    # Used up: hardly a slot is missed.
    assert times[-1] - times[0] <= 19 * SLOT_SECONDS * 1.1
    for campaign in campaigns:
        own_scenario.assert_each_arrived_once(campaign, 50)


def test_two_workers_under_one_rate_limit_never_pass_it_and_use_it_up(own_scenario: ScenarioEnvironment) -> None:
    own_scenario.processes.settings |= {"BSG_RATE_LIMIT": "10/s", "BSG_RATE_BURST": "1", "CAMPAIGN_BATCH_SIZE": "10"}
    own_scenario.processes.all(workers=2)

    rates: list[float] = []
    while len(rates) < 3 and max(rates, default=0.0) < 9.0:  # a machine that is busy for half a second misses slots
        before = len(posts(own_scenario))
        campaign = _small_batches(own_scenario, batches=50)
        own_scenario.wait_for(campaign, "done", within=40)
        times = posts(own_scenario)[before:]
        assert len(times) == 50
        _assert_apart(times, 0.1)
        rates.append((len(times) - 1) / (times[-1] - times[0]))

    assert max(rates) >= 9.0


def _small_batches(scenario: ScenarioEnvironment, *, batches: int) -> str:
    settings = Settings.from_environment(scenario.processes.settings)
    scenario.producer = type(scenario.producer)(settings)
    return scenario.send(batches * 10)


def _assert_apart(times: list[float], interval: float) -> None:
    """Any two requests are as far apart as the slots between them.

    The limit is kept where requests leave. One may be longer on its way than another, but that never adds up.
    """
    for first, second in combinations(range(len(times)), 2):
        assert times[second] - times[first] >= interval * (second - first) - ON_ITS_WAY_SECONDS
