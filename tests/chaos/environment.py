"""What chaos happens to: Redis, the sandbox, proxies before both, and the processes."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bsg_config.named_accounts import variable
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.batch_id import BatchId
from bsg_ledger.ledger import Ledger
from bsg_ledger.records import CampaignStatus
from bsg_messages.body_cipher import BodyCipher
from bsg_producer import Producer
from tests.chaos.campaigns import KEYS, ChaosCampaign
from tests.chaos.messages import STREAMS
from tests.chaos.phones import phones_by_index
from tests.chaos.plan import PROXIES, STATUS_WORKERS, WORKERS
from tests.chaos.processes import Processes
from tests.chaos.provider import ProviderMode, Sandbox
from tests.lossy_proxy import LossyProxy
from tests.processes import QUICK, READY_WITHIN
from tests.sandbox_process import sandbox_process
from tests.servers import Kind, RedisServer

BODY_KEY = "Y2hhb3MgY2hhb3MgY2hhb3MgY2hhb3MgY2hhb3MgY2g="  # bodies are encrypted throughout


class ChaosEnvironment:
    """Entering starts all of it; leaving ends it. Its own producer and ledger see Redis without a proxy."""

    def __init__(self, directory: Path, seed: int, provider_mode: ProviderMode, server_kind: Kind) -> None:
        self.directory = directory
        self.seed = seed
        self.provider_mode = provider_mode
        self.redis = RedisServer(directory / "redis", server_kind)
        self.processes = Processes(directory)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.redis)
            sandbox_url = stack.enter_context(sandbox_process(self.directory / "sandbox.log", seed=self.seed)).url
            self.sandbox = Sandbox(sandbox_url, self.provider_mode, self.seed)
            ports = {
                "workers-redis": self.redis.port,
                "producers-redis": self.redis.port,
                "workers-bsg": urlsplit(sandbox_url).port or 0,
            }
            self.proxies = {
                name: stack.enter_context(LossyProxy(ports[name], seed=self.seed + number))
                for number, name in enumerate(PROXIES)
            }
            settings = {
                **QUICK,
                **self.provider_mode.worker_settings,
                "BODY_KEY": BODY_KEY,
                "BSG_STOPLIST_INTERVAL": "2",
                "BSG_PUSH_STOPLIST": "true",
                **{variable("BSG_API_KEY", account): key for account, key in KEYS.items()},
                "BSG_BASE_URL": f"http://127.0.0.1:{self.proxies['workers-bsg'].port}",
            }
            direct = Settings.from_environment({**settings, "REDIS_URL": self.redis.url, "QUEUE_TIMEOUT": "30"})
            self.producer = Producer(direct)
            # For use in the midst of the faults, which an operator who waits for Redis would hold up.
            self.hasty = Producer(replace(direct, queue_timeout=1.0))
            self.watched = Producer(replace(direct, queue_timeout=2.0))
            self.ledger = Ledger(connect(direct))
            self.cipher = BodyCipher(direct.body_key)
            stack.enter_context(self.processes)
            workers = {**settings, "REDIS_URL": self.proxies["workers-redis"].redis_url}
            producers = {**settings, "REDIS_URL": self.proxies["producers-redis"].redis_url}
            self.processes.add_celery(self.seed, self.directory, workers)
            self.processes.add_producers(self.seed, self.directory, producers)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def warm_up(self) -> None:
        """Wait until every worker takes tasks, so that the faults do not strike an empty scenario."""
        stop_at = time.monotonic() + READY_WITHIN
        waiting = {*WORKERS, *STATUS_WORKERS}
        while waiting and time.monotonic() < stop_at:
            self.run_for(0.2)
            waiting = {name for name in waiting if "ready." not in self.processes.last_lines(name)}

    def run_for(self, seconds: float) -> None:
        """Look after the processes for so long."""
        stop_at = time.monotonic() + seconds
        while True:
            self.processes.look_after()
            left = stop_at - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(0.1, left))

    def phones(self, status: CampaignStatus, batch: BatchId) -> list[int]:
        """Return the phones of the campaign's batch."""
        if status.name in STREAMS:
            return list(phones_by_index(self.ledger, batch, self.cipher).values())
        campaign = ChaosCampaign.named(self.seed, status.name)
        return [campaign.phone(index) for index in self.ledger.reading.rows(batch)]
