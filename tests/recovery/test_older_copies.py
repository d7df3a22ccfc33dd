"""Redis comes back with an older copy, or with nothing: real processes, and nothing is sent twice."""

from __future__ import annotations

from bsg_cli.errors import ExitCode
from bsg_config.settings import Settings
from bsg_worker.runtime import build
from bsg_worker.submit.dispatch import dispatch_work
from tests.processes import wait_until
from tests.recovery.environment import RecoveryEnvironment
from tests.worker.harness import prepare_next


def test_running_workers_notice_an_older_copy_and_send_nothing_twice_once_it_is_recovered(
    running_site: RecoveryEnvironment,
) -> None:
    environment = running_site
    campaign = environment.send(200)
    wait_until(lambda: environment.arrived(campaign), within=20, what="the first batch to arrive")
    environment.copy_aside()
    lost = environment.send(5, first_phone=380_670_000_000)
    environment.wait_for(lost, "done")
    environment.wait_for(campaign, "done")

    environment.kill_and_restore()
    environment.wait_until_the_gate_is_shut()
    code, document = environment.audit("--recover")
    environment.processes.restart_what_ended()
    environment.wait_for(campaign, "done")

    environment.assert_each_arrived_once(campaign, 200)
    environment.assert_each_arrived_once(lost, 5)
    assert document["recovery"]["found"]
    assert document["recovery"]["gate_open"]
    # The campaign that was accepted after the copy is not known any more, but it is reported.
    origins = [origin for orphan in document["audit"]["orphans"] for origin in orphan["origins"]]
    assert {"campaign_id": lost, "known": False, "batches": []} in origins
    assert code == ExitCode.FAILED


def test_an_emptied_redis_is_noticed_and_what_bsg_has_is_reported(running_site: RecoveryEnvironment) -> None:
    environment = running_site
    campaign = environment.send(200)
    wait_until(lambda: environment.arrived(campaign), within=20, what="the first batch to arrive")

    environment.kill_and_empty()
    environment.wait_until_the_gate_is_shut()
    done = environment.command("audit")

    assert done.returncode == ExitCode.FAILED
    assert f"campaign {campaign}, which the ledger does not know" in done.stdout
    assert "audit --recover" in environment.command("gate").stdout
    assert set(environment.arrivals(campaign).values()) == {1}


def test_what_nobody_remembers_is_recovered_before_any_process_is_started(environment: RecoveryEnvironment) -> None:
    campaign = environment.send(100)
    environment.copy_aside()
    runtime = build(Settings.from_environment(environment.processes.settings))
    while prepare_next(runtime, campaign):
        pass
    while "submitted" in dispatch_work(runtime):
        pass
    assert environment.count(campaign, "submitted") == 100
    environment.kill_and_restore()
    assert environment.count(campaign, "unprepared") == 100

    code, document = environment.audit("--recover")

    assert code == ExitCode.OK
    assert len(document["recovery"]["found"]) == 5
    assert environment.count(campaign, "submitted") == 100
    environment.assert_each_arrived_once(campaign, 100)
