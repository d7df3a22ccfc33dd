"""Rule 10: with another key or another base URL in mid-campaign, nothing goes to the wrong place."""

from __future__ import annotations

from pathlib import Path

from bsg_sandbox.server import Sandbox
from tests.processes import Processes, wait_until
from tests.recovery.site import Site


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
        strangers = [others.worker(BSG_API_KEY="live_other"), others.worker(BSG_BASE_URL=elsewhere.url)]

        def left_alone_by_both() -> bool:
            site.forget_bells(campaign)
            return all("not now: foreign" in stranger.log.read_text() for stranger in strangers)

        wait_until(left_alone_by_both, within=40, what="the other accounts' workers to be rung for it")
        assert site.arrivals(campaign) == before
        assert not elsewhere.record().by_reference

    site.processes.restart_what_ended()
    site.forget_bells(campaign)
    site.wait_for(campaign, "done", within=40)
    site.assert_each_arrived_once(campaign, 400)
