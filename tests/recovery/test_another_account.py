"""Rule 10: with another key or another base URL in mid-campaign, nothing goes to the wrong place, or stays behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_sandbox.server import Sandbox
from tests.processes import Processes, wait_until
from tests.recovery.site import Site, site_in


def test_a_half_sent_campaign_is_left_alone_by_other_accounts_and_goes_on_with_its_own(
    running_site: Site, tmp_path: Path
) -> None:
    site = running_site
    site.sandbox.put_account("live_other")
    campaign = site.send(400)
    wait_until(lambda: site.arrived(campaign) >= 40, within=20, what="some of the batches to arrive")
    (worker, *_) = site.processes.running
    worker.stop()
    before = site.arrivals(campaign)
    assert len(before) < 400

    with Sandbox() as elsewhere, Processes(tmp_path, site.redis_url, site.sandbox.url) as others:
        foreign_workers = [others.worker(BSG_API_KEY="live_other"), others.worker(BSG_BASE_URL=elsewhere.url)]

        def left_alone_by_both() -> bool:
            site.forget_bells(campaign)
            return all("not now: foreign" in worker.log.read_text() for worker in foreign_workers)

        wait_until(left_alone_by_both, within=40, what="the other accounts' workers to be rung for it")
        assert site.arrivals(campaign) == before
        assert not elsewhere.record().by_reference

    site.processes.restart_what_ended()
    site.forget_bells(campaign)
    site.wait_for(campaign, "done", within=40)
    site.assert_each_arrived_once(campaign, 400)


@pytest.mark.timeout(300)
def test_a_half_sent_campaign_goes_on_by_itself_under_the_rotated_key_of_its_account(tmp_path: Path) -> None:
    with site_in(tmp_path / "old", BSG_RATE_LIMIT="20/m", BSG_RATE_BURST="1") as site:
        keys = Ledger(connect(Settings.from_environment(site.processes.settings))).keys
        site.processes.all()
        campaign = site.send(300)
        wait_until(lambda: site.arrived(campaign) >= 20, within=40, what="some of the batches to arrive")
        wait_until(lambda: any(key.bsg_account for key in keys.known().values()), within=40, what="its account noted")
        for process in site.processes.running:
            process.kill()
        assert site.arrived(campaign) < 300
        site.sandbox.put_account("live_rotated", replaces="live_sandbox")
        site.forget_keys()
        site.end_part_leases()
        site.forget_bells(campaign)

        with Processes(tmp_path / "new", site.redis_url, site.sandbox.url, BSG_API_KEY="live_rotated") as others:
            others.all()
            site.wait_for(campaign, "done", within=120)

        site.assert_each_arrived_once(campaign, 300)
