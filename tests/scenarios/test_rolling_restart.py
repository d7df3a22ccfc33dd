"""A new version is rolled out in the middle of the sending: each process is stopped in good order and started again."""

from __future__ import annotations

from itertools import count

from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment

LATENCY = 0.3
MANY = 16_000  # they are being sent until the last process has been restarted


def test_a_restart_of_all_processes_one_by_one_in_mid_batch_loses_and_doubles_nothing(
    own_scenario: ScenarioEnvironment,
) -> None:
    scenario = own_scenario
    scenario.sandbox.configure(latency=LATENCY)
    processes = scenario.processes
    # Nothing is slow here but the machine, and a read that timed out would be a doubt.
    processes.settings |= {"BSG_READ_TIMEOUT": "5", "LEASE_SECONDS": "17"}
    processes.all(workers=2)
    phones = count(380_660_000_000, 100_000)
    sizes = {scenario.send(MANY, first_phone=next(phones)): MANY}

    for process in processes.running:
        wait_until(lambda: _on_the_wire(scenario), within=20, what="a POST on the wire")
        assert process.stop() == 0, processes.logs()
        processes.restart_what_ended()
        sizes[scenario.send(200, first_phone=next(phones))] = 200
        processes.running[-1].wait_until_ready()

    for campaign, messages in sizes.items():
        status = scenario.wait_for(campaign, "done", within=60)
        assert {transition.cause for transition in status.transitions}.isdisjoint(LOST)
        assert {batch.attempts for batch in status.batches} == {1}
        scenario.assert_each_arrived_once(campaign, messages)


LOST = {"lease ran out", "lease ran out on the wire", "lease lost", "found at BSG"}


def _on_the_wire(scenario: ScenarioEnvironment) -> bool:
    return any(
        request.status is None and request.path.endswith("send-individual") for request in scenario.sandbox.requests()
    )
