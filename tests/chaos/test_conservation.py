"""The watch over the streams' campaigns finds counts that do not add up."""

from __future__ import annotations

import pytest

from bsg_config.settings import Settings
from bsg_producer import Producer
from tests.chaos.conservation import ConservationWatch
from tests.chaos.findings import Fault
from tests.processes import wait_until


@pytest.mark.parametrize("state", ["pending", "finished"])
def test_a_message_that_is_counted_twice_or_nowhere_is_found(redis_url: str, state: str) -> None:
    producer = Producer(Settings.build(redis_url=redis_url))
    codes = producer.stream("codes", sender="MyShop")
    codes.send({"phone": 380661231231, "text": "Your code is 1234"})
    (campaign,) = codes.status().campaigns

    with ConservationWatch(producer) as watch:
        wait_until(lambda: watch.reads, what="the first read")
        assert (watch.accepted, watch.findings) == (1, [])
        producer._client.hincrby(f"bsg:campaign:{campaign.campaign_id}", f"messages:{state}", 1)
        wait_until(lambda: watch.findings, what="the finding")

    assert {finding.fault for finding in watch.findings} == {Fault.MISREPORTED}
