"""One worker's verbs, called one by one by the test, on a real Redis and with the sandbox as the provider."""

from __future__ import annotations

from typing import Any

import pytest

from bsg_broker.queues import PREPARE, queue_of
from bsg_config import clock
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.settings import Settings
from bsg_ledger.batches import BatchLease
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.records import Batch, CampaignStatus
from bsg_producer import Producer
from bsg_sandbox.server import Sandbox
from bsg_worker.poll.poll import poll
from bsg_worker.prepare.prepare import prepare_next
from bsg_worker.runtime import build
from bsg_worker.submit.submit import submit_batches
from tests.processes import QUICK
from tests.scenarios.environment import messages


class WorkerHarness:
    """Settings are given as the environment has them, over those of the quick scenarios."""

    def __init__(self, redis_url: str, sandbox: Sandbox, **settings: str) -> None:
        environment = {**QUICK, "REDIS_URL": redis_url, "BSG_BASE_URL": sandbox.url, **settings}
        self.environment = environment
        self.settings = Settings.from_environment(environment)
        self.sandbox = sandbox
        self.runtime = build(self.settings)
        self.producer = Producer(self.settings)

    def prepared(self, count: int, **arguments: Any) -> str:
        """Return a campaign of that many good messages, all of them pending."""
        campaign = self.producer.enqueue(messages(count), **{"sender": "MyShop", **arguments}).campaign_id
        self.runtime.redis.delete(
            queue_of(PREPARE, str(arguments.get("priority", "normal")))
        )  # its bell is answered by what follows
        while prepare_next(self.runtime, campaign):
            pass
        return campaign

    def prepare_and_submit(self, campaign: str) -> None:
        """What comes of an enqueued campaign as far as it goes now."""
        while prepare_next(self.runtime, campaign):
            pass
        while "submitted" in self.submit(campaign):
            pass

    def submitted(self, count: int, **arguments: Any) -> str:
        """Return a campaign that has been sent as far as it goes now, one batch at a call if the machine is that
        slow."""
        campaign = self.prepared(count, **arguments)
        for _ in range(count):
            if not self.status(campaign).counts["pending"]:
                break
            self.submit(campaign)
        return campaign

    def submit(self, campaign: str) -> str:
        return submit_batches(self.runtime, campaign, "")

    def posting(self, campaign: str) -> BatchLease:
        """Return the campaign's next batch with its intent written, and nothing sent."""
        lease = self.runtime.ledger.batches.claim(
            campaign,
            bell="",
            account=self.runtime.account,
            account_name=DEFAULT_ACCOUNT,
            token="token",
            lease_ms=self.runtime.lease_ms,
        )
        assert isinstance(lease, BatchLease)
        state = self.runtime.ledger.batches.intend(
            lease, account=self.runtime.account, lease_ms=self.runtime.lease_ms, duplicate_window_ms=0
        )
        assert state == "posting"
        return lease

    def unconfirmed(self, campaign: str) -> BatchLease:
        lease = self.posting(campaign)
        self.doubtful(lease)
        return lease

    def doubtful(self, lease: BatchLease) -> None:
        self.runtime.ledger.batches.doubtful(
            lease, account=self.runtime.account, cause="read timeout", doubts_allowed=None
        )

    def taken(self, campaign: str, batch: int, bsg_campaign_id: int) -> str:
        return self.runtime.ledger.batches.taken(
            campaign,
            batch,
            account=self.runtime.account,
            bsg_campaign_id=bsg_campaign_id,
            bsg_status="creation",
            next_poll_ms=0,
            cause="taken",
        )

    def status(self, campaign: str) -> CampaignStatus:
        """Return the status; that the counts add up is checked on the way (rule 8)."""
        status = self.producer.status(campaign)
        counts = dict(status.counts)
        assert counts.pop("accepted") == sum(counts.values())
        return status

    def batch(self, campaign: str, number: int = 0) -> Batch:
        return self.status(campaign).batches[number]

    def poll_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The second time BSG_CONFIRM_WITHIN later."""
        begun = clock.monotonic()
        self.make_due(DueIndex.LIVE)
        poll(self.runtime)
        self.make_due(DueIndex.LIVE)
        monkeypatch.setattr(clock, "monotonic", lambda: begun + 1.0 + self.settings.bsg_confirm_within)
        poll(self.runtime)

    def make_due(self, index: DueIndex) -> None:
        """Time passes by ageing what is stored: everything in the account's index is due now."""
        key = f"bsg:account:{self.runtime.account}:{index.value}"
        client: Any = self.runtime.redis  # redis-py types its replies as all that they might be
        for member in client.zrange(key, 0, -1):
            client.zadd(key, {member: 1})
