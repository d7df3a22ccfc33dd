"""One of several stages side by side: a Redis, a sandbox and processes of its own, for one trial after the other."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from celery import Celery

from bsg_broker.celery_configuration import celery_settings
from bsg_broker.queues import PURGE, STATUS_QUEUE, STOP_LIST
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.settings import Settings
from bsg_ledger.due_indexes import unassigned
from bsg_ledger.records import CampaignStatus
from bsg_ledger.states import BatchState
from bsg_producer import CampaignInvalid, Producer
from bsg_sandbox.server import Sandbox
from bsg_worker.runtime import build
from tests.failpoints.arming import keep_seen
from tests.failpoints.processes import Processes
from tests.processes import QUICK
from tests.servers import Kind, RedisServer

IN_HAND = frozenset({BatchState.POSTING, BatchState.UNCONFIRMED})
DAY_MS = 86_400_000
SETTINGS = {**QUICK, "LEASE_SECONDS": "4", "QUEUE_TIMEOUT": "3", "BSG_PUSH_STOPLIST": "true"}


class TrialEnvironment:
    """Entering starts all of it; leaving ends it. `runtime` and `producer` are this process's own, and never die."""

    def __init__(self, number: int, directory: Path, kind: Kind) -> None:
        self.number = number
        self.directory = directory
        self.armed = directory / "armed"
        self.redis = RedisServer(directory / "redis", kind)
        self._stack = ExitStack()
        self._campaigns = 0

    def __enter__(self) -> Self:
        keep_seen(self.armed)
        with ExitStack() as stack:
            stack.enter_context(self.redis)
            self.sandbox = stack.enter_context(Sandbox())
            self.environment = {**SETTINGS, "REDIS_URL": self.redis.url, "BSG_BASE_URL": self.sandbox.url}
            self.settings = Settings.from_environment(self.environment)
            self.runtime = build(self.settings, slot_timeout=30)
            self.ledger = self.runtime.ledger
            self.producer = Producer(self.settings)
            self.processes = stack.enter_context(Processes(self.directory, self.environment, self.armed))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def client(self) -> Any:
        return self.runtime.redis

    def next_number(self) -> int:
        self._campaigns += 1
        return self._campaigns

    def tick_purge(self) -> None:
        """What beat does every ten minutes."""
        self._tick(PURGE)

    def drop_purges(self) -> None:
        """Drop the ticks of earlier trials: a task of a dead worker would forget a campaign as soon as it is aged."""
        purge = PURGE.encode()
        for task in self.client.lrange(STATUS_QUEUE, 0, -1):
            if purge in task:
                self.client.lrem(STATUS_QUEUE, 0, task)
        for tag, task in self.client.hgetall("unacked").items():
            if purge in task:
                self.client.hdel("unacked", tag)
                self.client.zrem("unacked_index", tag)

    def tick_stop_list(self) -> None:
        """What beat does every half a minute, at the end of an interval."""
        self.client.hdel("bsg:stop-lists", f"{DEFAULT_ACCOUNT}:due")
        self._tick(STOP_LIST)

    def _tick(self, task: str) -> None:
        app = Celery("tick", set_as_current=False)
        app.conf.update(celery_settings(self.settings))
        with app:
            app.send_task(task, queue=STATUS_QUEUE)

    def response(self, status: CampaignStatus, phones: dict[int, int]) -> None:
        """What an operator does who is asked: looks the batch's recipients up at BSG. `phones` by index."""
        for batch in status.batches:
            if not batch.needs_operator or batch.state != BatchState.UNCONFIRMED:
                continue
            arrivals = self.sandbox.record().recipients
            rows = self.ledger.reading.rows(batch.id)
            at_bsg = sorted({bsg_id for row in rows for bsg_id in arrivals.get(phones[row], [])})
            try:
                if at_bsg:
                    self.producer.resolve(batch.id, sent=at_bsg[0])
                else:
                    self.producer.resolve(batch.id, not_sent=True)
            except CampaignInvalid:
                continue  # it has moved on by itself meanwhile

    def age(self, status: CampaignStatus) -> float:
        """Has what the campaign waits for come at once; return the seconds that it would have waited.

        Leases of chunks whose holder is dead, and looks that were put off. Leases of batches
        and the second look at a doubt are waited for: their times are settings, and short.
        """
        if any(batch.state in IN_HAND for batch in status.batches):
            return 0.0
        campaign, account, now = status.campaign_id, self.runtime.account.id, self.ledger.due_indexes.now_ms()
        batches = [batch.id for batch in status.batches if batch.state == BatchState.SUBMITTED]
        pending = [str(batch.id.number) for batch in status.batches if batch.state == BatchState.PENDING]
        stops = [str(batch.bsg_campaign_id) for batch in status.batches if batch.bsg_campaign_id]
        key = f"bsg:campaign:{campaign}"
        waits = [0.0]
        for chunk, at in self.client.zrange(f"{key}:chunks", 0, -1, withscores=True):
            if not self._nobody_holds(status, chunk.decode()):
                continue
            self.client.zadd(f"{key}:chunks", {chunk: 1})
            self.client.hset(f"{key}:chunk:{chunk.decode()}", "lease_until", 1)
            waits.append(at - now)
        for index, members in (
            (f"{key}:due", pending),
            (f"bsg:account:{unassigned(DEFAULT_ACCOUNT)}:due", [campaign]),
            (f"bsg:account:{account}:due", [campaign]),
            (f"bsg:account:{account}:live", batches),
            (f"bsg:account:{account}:stops", stops),
        ):
            waits += self._made_due(index, members, now)
        return max(waits) / 1000

    def _nobody_holds(self, status: CampaignStatus, chunk: str) -> bool:
        taken = [each for each in status.transitions if each.batch == f"chunk {chunk}" and each.to_state == "preparing"]
        return not taken or self.processes.died_since(taken[-1].when)

    def _made_due(self, index: str, members: Iterable[str], now: int) -> list[float]:
        waits = []
        for member in members:
            at = self.client.zscore(index, member)
            if at is not None and at > now:
                self.client.zadd(index, {member: now}, xx=True)
                waits.append(at - now)
        return waits

    def let_rest(self, status: CampaignStatus) -> None:
        """A campaign that is done is polled on for days: not among the trials of others."""
        tomorrow = self.ledger.due_indexes.now_ms() + DAY_MS
        for batch in status.batches:
            self.client.zadd(f"bsg:account:{self.runtime.account.id}:live", {batch.id: tomorrow}, xx=True)
