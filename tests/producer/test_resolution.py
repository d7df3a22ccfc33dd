"""An operator's decision on a batch."""

from __future__ import annotations

import pytest
import redis

from bsg_config.settings import Settings
from bsg_producer import CampaignInvalid, Producer
from tests.ledger.campaigns import LedgerHarness


def producer_of(ledger_harness: LedgerHarness) -> Producer:
    address = ledger_harness.client.connection_pool.connection_kwargs
    return Producer(Settings.build(redis_url=f"redis://{address['host']}:{address['port']}/0"))


@pytest.fixture
def ledger_harness(redis_url: str) -> LedgerHarness:
    return LedgerHarness(redis.Redis.from_url(redis_url))


def campaign_id(letter: str) -> str:
    return letter * 22


def test_a_word_that_is_unclear_or_not_called_for_is_refused(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1, campaign_id=campaign_id("a"))
    producer = producer_of(ledger_harness)
    with pytest.raises(CampaignInvalid, match="nothing to resolve"):
        producer.resolve(f"{campaign}-0", not_sent=True)
    with pytest.raises(CampaignInvalid, match="nothing to resolve"):
        producer.resolve(f"{campaign}-0", sent=7)
    lease = ledger_harness.unconfirmed(campaign)
    for sent, not_sent in ((7, True), (None, False)):
        with pytest.raises(CampaignInvalid, match="either"):
            producer.resolve(f"{campaign}-0", sent=sent, not_sent=not_sent)

    assert ledger_harness.batch_state(lease) == "unconfirmed"


def test_a_bsg_campaign_of_another_batch_is_refused(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(1, 1, campaign_id=campaign_id("a"))
    ledger_harness.submitted(campaign, 7)
    lease = ledger_harness.unconfirmed(campaign)

    with pytest.raises(CampaignInvalid, match="another batch"):
        producer_of(ledger_harness).resolve(lease.batch, sent=7)
