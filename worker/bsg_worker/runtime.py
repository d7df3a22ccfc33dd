"""The connections and limits of one account, with which the verbs work."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from bsg_broker.queues import dispatch_queue
from bsg_broker.wakeups import Wakeups
from bsg_client.bsg_client import BSGClient
from bsg_client.under_limits import client_under_limits
from bsg_config.account import Account
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.batch_id import BatchId
from bsg_ledger.dispatcher import Dispatcher, SubmitRules
from bsg_ledger.gate import Gate
from bsg_ledger.ledger import NEXT_LOOK_MS, Ledger
from bsg_ledger.limiter import MAX_RESERVATION, Limiter, status_limiter, submit_limiter
from bsg_ledger.measurements import Measurements
from bsg_ledger.rollback_detector import RollbackDetector
from bsg_messages.bodies import unpacked
from bsg_messages.body_cipher import BodyCipher
from bsg_worker.bsg_time import BSGTime
from bsg_worker.reconcile.confirmations import Confirmations
from bsg_worker.threads_at_work import ThreadsAtWork

CHUNK_LEASE_MS = 60_000  # a chunk takes well under a second; a worker that holds it for a minute is dead
CHUNK_LOSSES_ALLOWED = 5
THREADS_WITHOUT_PERMIT = 2  # one waits for a permit, so that it is used at once, one prepares what is sent next


@dataclass(frozen=True, slots=True)
class Runtime:
    """One process's connections and one account's limits.

    `permits` bounds the process's concurrent requests for the account. A thread that waits for a slot holds a permit.
    Each account has its own permits, so that none can block another. The process shares
    `rollback_detector` and `looking`.
    """

    settings: Settings
    account: Account
    redis: redis.Redis
    ledger: Ledger
    client: BSGClient
    submit_limiter: Limiter
    status_limiter: Limiter
    wakeups: Wakeups
    dispatcher: Dispatcher
    permits: threading.BoundedSemaphore
    threads: ThreadsAtWork
    bsg_time: BSGTime
    rollback_detector: RollbackDetector
    measurements: Measurements
    cipher: BodyCipher
    confirmations: Confirmations = field(default_factory=Confirmations)
    # Held by the one thread that prepares without a permit.
    preparing_ahead: threading.Lock = field(default_factory=threading.Lock)
    # Held by the one thread of the process that reconciles.
    looking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def gate(self) -> Gate:
        return self.ledger.gate(self.account.id)

    @property
    def lease_ms(self) -> int:
        return int(self.settings.lease_seconds * 1000)

    @property
    def operator_after_ms(self) -> int:
        """Return the age after which something that BSG does not show needs an operator."""
        return int(2 * self.account.bsg_confirm_within * 1000)

    def messages_of(self, batch: BatchId) -> list[Any]:
        """Return the batch's messages as they are sent; none once they are forgotten. Raise DecryptionError."""
        body = self.ledger.reading.body(batch)
        return [] if body is None else list(json.loads(unpacked(body, batch.campaign_id, self.cipher)))


def build(
    settings: Settings,
    account: Account | None = None,
    *,
    slot_timeout: float = MAX_RESERVATION,
    others: Sequence[Account] = (),
    first: Runtime | None = None,
) -> Runtime:
    """Return a runtime. Each connection is made at its first use. Raise SettingsInvalid without the key.

    `account`: None is the account without a name. `slot_timeout`: the seconds that a status request may wait for its
    slot of the rate limit before it fails. `others` are the process's other accounts. `first` is the runtime of one of
    them, whose process-wide objects are shared.
    """
    account = account or settings.account
    account.require_api_key()
    client = connect(settings) if first is None else first.redis
    ledger = Ledger(
        client, relaxed=settings.queue_durability == "relaxed", timeout_ms=int(settings.queue_timeout * 1000)
    )
    accounts = [one.id for one in (account, *others)]
    detector = ledger.rollback_detector(accounts) if first is None else first.rollback_detector
    status, submit = status_limiter(client, account), submit_limiter(client, account)
    return Runtime(
        settings=settings,
        account=account,
        redis=client,
        ledger=ledger,
        client=client_under_limits(
            account,
            client,
            status=status,
            submit=submit,
            failures=ledger.failures(account.id),
            timeout=slot_timeout,
        ),
        submit_limiter=submit,
        status_limiter=status,
        wakeups=Wakeups(client),
        dispatcher=ledger.dispatcher(submit_rules(settings, account), detector),
        permits=threading.BoundedSemaphore(settings.worker_in_flight),  # guard: permits-bounded
        threads=ThreadsAtWork(settings.worker_in_flight + THREADS_WITHOUT_PERMIT),
        bsg_time=BSGTime(ledger.learnt_zone(account.id), account.bsg_timezone),
        rollback_detector=detector,
        measurements=Measurements(client, account.id),
        cipher=BodyCipher(settings.body_key),
        looking=threading.Lock() if first is None else first.looking,
    )


def submit_rules(settings: Settings, account: Account) -> SubmitRules:
    """Return the account's settings for sending."""
    return SubmitRules(
        account=account.id,
        account_name=account.name,
        interval_us=account.bsg_rate_limit.interval_us,
        burst=account.bsg_rate_burst,
        lease_ms=int(settings.lease_seconds * 1000),
        duplicate_window_ms=int(account.bsg_duplicate_window * 1000),
        next_look_ms=NEXT_LOOK_MS,
        chunk_lease_ms=CHUNK_LEASE_MS,
        chunk_losses_allowed=CHUNK_LOSSES_ALLOWED,
        queue=dispatch_queue(account.name),
    )


def new_token() -> str:
    """Return a new token for the holder of a lease."""
    return secrets.token_hex(8)
