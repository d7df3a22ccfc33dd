"""One worker's verbs, called one by one by the test, on a real Redis and with the sandbox as the provider."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from bsg_broker.queues import dispatch_queue
from bsg_config import clock
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.settings import Settings
from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.records import Batch, CampaignStatus
from bsg_ledger.work import Prepare, Send
from bsg_producer import Producer
from bsg_sandbox.server import Sandbox
from bsg_worker.poll.poll import poll
from bsg_worker.prepare.prepare import prepare_chunk
from bsg_worker.runtime import CHUNK_LEASE_MS, CHUNK_LOSSES_ALLOWED, Runtime, build, new_token
from bsg_worker.submit import dispatch
from bsg_worker.submit.dispatch import dispatch_work
from tests.ledger.campaigns import others_hidden
from tests.processes import QUICK
from tests.scenarios.environment import messages

# For tests that are not about timeouts: on a loaded machine the quick ones pass by themselves.
LONG_TIMEOUTS = {"BSG_CONNECT_TIMEOUT": "10", "BSG_READ_TIMEOUT": "20", "LEASE_SECONDS": "120"}


def prepare_next(runtime: Runtime, campaign: str) -> str | None:
    """Prepare the campaign's next chunk, whatever its account may do; return what came of it, None if there is none."""
    lease = runtime.ledger.chunks.lease(
        campaign, new_token(), lease_ms=CHUNK_LEASE_MS, losses_allowed=CHUNK_LOSSES_ALLOWED
    )
    return prepare_chunk(runtime, lease) if isinstance(lease, Prepare) else None


class WorkerHarness:
    """Settings are given as the environment has them, over those of the quick scenarios."""

    def __init__(self, redis_url: str, sandbox: Sandbox, **settings: str) -> None:
        environment = {**QUICK, "REDIS_URL": redis_url, "BSG_BASE_URL": sandbox.url, **settings}
        self.environment = environment
        self.settings = Settings.from_environment(environment)
        self.sandbox = sandbox
        self.runtime = build(self.settings)
        self.producer = Producer(self.settings)

    def enqueued(self, count: int, **arguments: Any) -> str:
        """Return a campaign of that many good messages, for which nobody has been woken."""
        campaign = self.producer.enqueue(messages(count), **{"sender": "MyShop", **arguments}).campaign_id
        self.runtime.redis.delete(dispatch_queue(str(arguments.get("account", DEFAULT_ACCOUNT))))
        return campaign

    def prepared(self, count: int, **arguments: Any) -> str:
        """Return a campaign of that many good messages, all of them pending."""
        campaign = self.enqueued(count, **arguments)
        self.prepare(campaign)
        return campaign

    def prepare(self, campaign: str) -> None:
        """Prepare all chunks of the campaign, also those for which it is not time yet."""
        while prepare_next(self.runtime, campaign):
            pass

    def submitted(self, count: int, **arguments: Any) -> str:
        """Return a campaign that has been sent as far as it goes now, in several tasks if the machine is that slow."""
        campaign = self.enqueued(count, **arguments)
        self.prepare_and_submit(campaign)
        return campaign

    def prepare_and_submit(self, campaign: str) -> None:
        """What comes of an enqueued campaign as far as it goes now."""
        counts = self.status(campaign).counts
        for _ in range(10 + counts["accepted"]):
            if not counts["unprepared"] and not counts["pending"]:
                break
            dispatch_work(self.runtime)
            counts = self.status(campaign).counts

    def dispatch(self) -> str:
        """One task's work for the account, as far as it goes without waiting."""
        with patch.object(dispatch, "MAX_SLEEP_SECONDS", 0.0), patch.object(dispatch, "wake_later"):
            return dispatch_work(self.runtime)

    def posting(self, campaign: str) -> Send:
        """Return the campaign's next batch with its intent written, and nothing sent."""
        with others_hidden(self.runtime.redis, campaign):
            work = self.runtime.dispatcher.next("token")
        assert isinstance(work, Send), work
        assert work.batch.campaign_id == campaign
        return work

    def unconfirmed(self, campaign: str) -> Send:
        lease = self.posting(campaign)
        self.doubtful(lease)
        return lease

    def doubtful(self, lease: Send) -> None:
        self.runtime.ledger.batches.doubtful(
            lease, account=self.runtime.account.id, cause="read timeout", doubts_allowed=None
        )

    def taken(self, campaign: str, batch: int, bsg_campaign_id: int) -> str:
        return self.runtime.ledger.batches.taken(
            BatchId.of(campaign, batch),
            account=self.runtime.account.id,
            bsg_campaign_id=bsg_campaign_id,
            bsg_status="creation",
            next_poll_ms=0,
            cause="taken",
        )

    def status(self, campaign: str) -> CampaignStatus:
        """Return the status; the conservation sum is checked on the way."""
        status = self.producer.status(campaign)
        counts = dict(status.counts)
        assert counts.pop("accepted") == sum(counts.values())
        return status

    def batch(self, campaign: str, number: int = 0) -> Batch:
        return self.status(campaign).batches[number]

    def queue_length(self, queue: str) -> int:
        """Return how many messages wait in a queue of the broker, which is the ledger's own Redis."""
        return int(self.runtime.redis.llen(queue))

    def poll_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The second time BSG_CONFIRM_WITHIN later."""
        begun = clock.monotonic()
        self.make_due(DueIndex.LIVE)
        poll(self.runtime)
        self.make_due(DueIndex.LIVE)
        monkeypatch.setattr(clock, "monotonic", lambda: begun + 1.0 + self.settings.account.bsg_confirm_within)
        poll(self.runtime)

    def make_due(self, index: DueIndex) -> None:
        """Time passes by ageing what is stored: everything in the account's index is due now."""
        client: Any = self.runtime.redis  # redis-py types its replies as all that they might be
        for account in (self.runtime.account.id, f"-{self.settings.account.name}"):
            key = f"bsg:account:{account}:{index.value}"
            for member in client.zrange(key, 0, -1):
                client.zadd(key, {member: 1})
                if index is DueIndex.DUE:
                    self._age(f"bsg:campaign:{member.decode()}")

    def _age(self, campaign: str) -> None:
        client: Any = self.runtime.redis
        for waiting in (f"{campaign}:due", f"{campaign}:chunks"):
            for each in client.zrange(waiting, 0, -1):
                client.zadd(waiting, {each: 1})
        client.hdel(campaign, "held_until")
