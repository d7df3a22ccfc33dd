"""What the verbs work with for one account."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import redis

from bsg_broker.doorbell import Doorbell
from bsg_client.bsg_client import BSGClient
from bsg_client.under_limits import client_under_limits
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.gate import Gate
from bsg_ledger.ledger import Ledger
from bsg_ledger.limiter import MAX_RESERVATION, Limiter, status_limiter, submit_limiter
from bsg_ledger.measurements import Measurements
from bsg_ledger.rollback_detector import RollbackDetector
from bsg_messages.body_cipher import BodyCipher
from bsg_worker.bsg_time import BSGTime
from bsg_worker.reconcile.confirmations import Confirmations


@dataclass(frozen=True, slots=True)
class Runtime:
    """One process's connections and one account's limits.

    `permits` bounds the requests that the process has on the wire at once for the account: who waits for a slot of its
    limit holds one, and must not keep other accounts from theirs. `rollback_detector` and `looking` are the process's.
    """

    settings: Settings
    redis: redis.Redis
    ledger: Ledger
    client: BSGClient
    submit_limiter: Limiter
    status_limiter: Limiter
    doorbell: Doorbell
    permits: threading.BoundedSemaphore
    bsg_time: BSGTime
    rollback_detector: RollbackDetector
    measurements: Measurements
    cipher: BodyCipher
    confirmations: Confirmations = field(default_factory=Confirmations)
    # Held by the one thread of the process that looks for what is in doubt.
    looking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def account(self) -> str:
        return self.settings.account

    @property
    def gate(self) -> Gate:
        return self.ledger.gate(self.account)

    @property
    def lease_ms(self) -> int:
        return int(self.settings.lease_seconds * 1000)

    @property
    def operator_after_ms(self) -> int:
        """How old must be what BSG may not show yet, before an operator is asked about it."""
        return int(2 * self.settings.bsg_confirm_within * 1000)

    def queue_length(self, queue: str) -> int:
        """Return how many bells wait in a queue of the broker, which is the ledger's own Redis."""
        return int(self.redis.llen(queue))


def build(
    settings: Settings,
    *,
    slot_timeout: float = MAX_RESERVATION,
    others: Sequence[Settings] = (),
    first: Runtime | None = None,
) -> Runtime:
    """Connect nothing yet: every connection is made at its first use.

    `slot_timeout`: the seconds that a status request may wait for its slot of the rate limit before it fails. `others`
    are the process's other accounts; `first` is the runtime of one of them, which shares what the process has once.
    """
    settings.require_api_key()
    client = connect(settings) if first is None else first.redis
    ledger = Ledger(
        client, relaxed=settings.queue_durability == "relaxed", timeout_ms=int(settings.queue_timeout * 1000)
    )
    status, submit = status_limiter(client, settings), submit_limiter(client, settings)
    return Runtime(
        settings=settings,
        redis=client,
        ledger=ledger,
        client=client_under_limits(
            settings,
            client,
            status=status,
            submit=submit,
            failures=ledger.failures(settings.account),
            timeout=slot_timeout,
        ),
        submit_limiter=submit,
        status_limiter=status,
        doorbell=Doorbell(client),
        permits=threading.BoundedSemaphore(settings.worker_in_flight),  # guard: permits-bounded
        bsg_time=BSGTime(ledger.learnt_zone(settings.account), settings.bsg_timezone),
        rollback_detector=ledger.rollback_detector([one.account for one in (settings, *others)])
        if first is None
        else first.rollback_detector,
        measurements=Measurements(client, settings.account),
        cipher=BodyCipher(settings.body_key),
        looking=threading.Lock() if first is None else first.looking,
    )


def new_token() -> str:
    """Return a name for one holder of one lease."""
    return secrets.token_hex(8)
