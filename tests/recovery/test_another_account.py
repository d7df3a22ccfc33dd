"""One account: with another key or another base URL in mid-campaign, nothing goes to a wrong one, or stays behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_sandbox.server import Sandbox
from bsg_worker.runtime import build
from bsg_worker.submit.dispatch import dispatch_work
from tests.processes import Processes, wait_until
from tests.recovery.environment import RecoveryEnvironment, environment_in


def test_a_half_sent_campaign_is_left_alone_by_other_accounts_and_goes_on_with_its_own(
    running_site: RecoveryEnvironment,
) -> None:
    environment = running_site
    environment.sandbox.put_account("live_other")
    campaign = environment.send(400)
    wait_until(lambda: environment.arrived(campaign) >= 40, within=20, what="some of the batches to arrive")
    (worker, *_) = environment.processes.running
    worker.stop()
    before = environment.arrivals(campaign)
    assert len(before) < 400

    with Sandbox() as elsewhere:
        for other in ({"BSG_API_KEY": "live_other"}, {"BSG_BASE_URL": elsewhere.url}):
            environment.make_due(campaign)
            assert dispatch_work(build(Settings.from_environment({**environment.processes.settings, **other}))) == ""
        assert environment.arrivals(campaign) == before
        assert not elsewhere.record().by_reference

    environment.processes.restart_what_ended()
    environment.make_due(campaign)
    environment.wait_for(campaign, "done", within=40)
    environment.assert_each_arrived_once(campaign, 400)


@pytest.mark.timeout(300)
def test_a_half_sent_campaign_goes_on_by_itself_under_the_rotated_key_of_its_account(tmp_path: Path) -> None:
    with environment_in(tmp_path / "old", BSG_RATE_LIMIT="20/m", BSG_RATE_BURST="1") as environment:
        keys = Ledger(connect(Settings.from_environment(environment.processes.settings))).keys
        environment.processes.all()
        campaign = environment.send(300)
        wait_until(lambda: environment.arrived(campaign) >= 20, within=40, what="some of the batches to arrive")
        wait_until(lambda: any(key.bsg_account for key in keys.known().values()), within=40, what="its account noted")
        for process in environment.processes.running:
            process.kill()
        assert environment.arrived(campaign) < 300
        environment.sandbox.put_account("live_rotated", replaces="live_sandbox")
        environment.forget_keys()
        environment.end_chunk_leases()
        environment.make_due(campaign)

        with Processes(
            tmp_path / "new", environment.redis_url, environment.sandbox.url, BSG_API_KEY="live_rotated"
        ) as others:
            others.all()
            environment.wait_for(campaign, "done", within=120)

        environment.assert_each_arrived_once(campaign, 300)
